// One thread, one io_context, one node: the only maker of Inputs, and the one that carries out every Output.
//
// A turn: wait until something is ready, take what is ready with it, step the node over it, hand the log what it
// appended (as one group), start the reads (one snapshot for all), write what sessions are told (one message each).
// What happens on other threads (log, reads, passwords, disk) comes back by post. Idle, it sleeps: the one timer is
// armed for the node's next deadline.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "core/node.h"
#include "net/server.h"
#include "runtime/admin.h"
#include "runtime/config.h"
#include "runtime/log_thread.h"
#include "runtime/note_log.h"
#include "runtime/password.h"
#include "runtime/pressure.h"
#include "runtime/read_pool.h"
#include "runtime/stream_files.h"
#include "storage/node_store.h"

namespace chasqui {

class Reactor final : public ServerOwner, public AdminOwner {
 public:
  // `store` outlives it. `tls`: none for plain text. `failed`: must end the process; from any thread.
  Reactor(const Config& config, storage::NodeStore& store, std::shared_ptr<TlsContext> tls,
          std::function<void(const absl::Status&)> failed);
  ~Reactor();

  // Binds both sockets. Then run() serves until a signal says stop, and returns when all is written.
  [[nodiscard]] absl::Status listen();
  void run();

 private:
  // ServerOwner and AdminOwner: from handlers, so they only take notes.
  void on_session_opened(SessionId session, const Address& address) override;
  void on_session_frame(SessionId session, std::string bytes) override;
  void on_session_writable(SessionId session, std::uint64_t bytes) override;
  void on_session_closed(SessionId session) override;
  void on_account_call(CallId call, const Address& address, AccountRequest request) override;
  void on_call_abandoned(CallId call) override;
  std::vector<std::string> why_not_ready() override;
  void on_net_event(std::string what) override;
  CallId new_admin_call() override { return server_.new_call(); }
  void on_provision(CallId call, ProvisionCall body) override;
  std::string stats_json() override;

  // Why a password cannot be one, or nothing.
  [[nodiscard]] std::optional<AccountAnswer> refuse_password(const AccountRequest& request) const;

  void turn();
  void carry_out(Now now);
  void hand_over_appends();
  void hand_over_reads();
  void arm_deadline();
  void announce_when_ready();

  // From other threads: as an input, on the reactor's.
  void post(Input input);
  void on_synced(AppendId id);

  void wait_for_signal();
  void on_signal(int number);
  void reload_certificate();
  void stop();
  void watch_log();  // a disk that does not come back (RELIABILITY.md section 3): exit

  const Config config_;
  storage::NodeStore& store_;
  std::function<void(const absl::Status&)> failed_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  boost::asio::signal_set signals_{io_};
  Timer deadline_timer_{io_.get_executor()};
  MonoTime deadline_armed_ = MonoTime::never();
  Timer stop_timer_{io_.get_executor()};
  Timer log_timer_{io_.get_executor()};
  bool log_watched_ = false;

  Node node_;
  Server server_;
  AdminSocket admin_;
  NoteLog notes_;
  std::unordered_map<std::uint64_t, Secret> passwords_;  // of calls under way
  std::vector<Input> inputs_;
  Outputs outputs_;
  std::vector<LogAppend> appends_;
  std::vector<Read> reads_;
  Pressure pressure_;
  std::uint64_t steps_ = 0;
  MonoTime started_;
  bool is_ready_ = false;
  bool is_stopping_ = false;
  bool is_done_ = false;

  std::atomic<std::uint64_t> synced_{0};  // the highest append that is durable
  std::atomic<bool> synced_posted_{false};

  // Last: their threads must be gone before what they post to.
  ReadPool read_pool_;
  StreamFiles stream_files_;
  PasswordPool passwords_pool_;
  LogThread log_thread_;
  PressureWatch pressure_watch_;
};

}  // namespace chasqui
