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
#include <boost/json.hpp>
#include <cstdint>
#include <functional>
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

class PeerExchange;

// Which of its process's nodes a reactor drives.
struct NodeSeat {
  std::size_t place = 0;
  NodeId node{1};
  std::vector<Member> members;  // of the cluster; empty: it stands alone
};

// What the reactors of a process have in common (node_group.h). From the first one's thread, but where it says any.
class ReactorOwner {
 public:
  virtual void on_node_ready(std::size_t place) = 0;       // once; any thread
  virtual void on_node_done(std::size_t place) = 0;        // once; any thread
  [[nodiscard]] virtual bool are_others_done() const = 0;  // than the first; any thread
  [[nodiscard]] virtual bool are_all_ready() const = 0;    // any thread
  virtual void on_signal_stop() = 0;
  virtual void on_reload() = 0;
  virtual void on_stats(std::function<void(std::string)> done) = 0;

 protected:
  ~ReactorOwner() = default;
};

class Reactor final : public ServerOwner, public AdminOwner {
 public:
  // `store` and `owner` outlive it. `tls`: none for plain text. `failed`: must end the process; from any thread.
  Reactor(const Config& config, NodeSeat seat, storage::NodeStore& store, std::shared_ptr<TlsContext> tls,
          ReactorOwner& owner, std::function<void(const absl::Status&)> failed);
  ~Reactor();

  // Where frames to peers go; none: there are no peers.
  void set_exchange(PeerExchange* exchange) { exchange_ = exchange; }
  // Binds; `is_shared`: other reactors of this process have the same port. The admin socket is the first one's.
  [[nodiscard]] absl::Status listen(const Endpoint& endpoint, bool is_shared);
  [[nodiscard]] absl::Status listen_admin();
  [[nodiscard]] Endpoint endpoint() const { return server_.endpoint(); }
  // Serves until stop(), and returns when all is written.
  void run();

  [[nodiscard]] boost::asio::io_context& io() { return io_; }
  void wake();  // has it take a turn; any thread

  // On its own thread.
  void stop();
  void set_tls(std::shared_ptr<TlsContext> tls) { server_.set_tls(std::move(tls)); }
  [[nodiscard]] boost::json::object stats();

 private:
  // ServerOwner and AdminOwner: from handlers, so they only take notes.
  void on_session_opened(SessionId session, const Address& address) override;
  void on_session_frame(SessionId session, std::string bytes) override;
  void on_session_writable(SessionId session, std::uint64_t bytes) override;
  void on_session_closed(SessionId session) override;
  void on_account_call(CallId call, const Address& address, AccountRequest request) override;
  void on_call_abandoned(CallId call) override;
  std::vector<std::string> why_not_ready() override;
  std::string why_elsewhere() override;
  void on_net_event(std::string what) override;
  CallId new_admin_call() override { return server_.new_call(); }
  void on_provision(CallId call, ProvisionCall body) override;
  void on_stats(std::function<void(std::string)> done) override { owner_.on_stats(std::move(done)); }

  // Why a password cannot be one, or nothing.
  [[nodiscard]] std::optional<AccountAnswer> refuse_password(const AccountRequest& request) const;

  void turn();
  void carry_out(Now now);
  void hand_over_appends();
  void hand_over_reads();
  void hand_over_peer_sends();
  void arm_deadline();

  // From other threads: as an input, on the reactor's.
  void post(Input input);
  void on_synced(AppendId id);

  void wait_for_signal();
  void on_signal(int number);
  void watch_log();  // a disk that does not come back (RELIABILITY.md section 3): exit

  const Config config_;
  const NodeSeat seat_;
  storage::NodeStore& store_;
  ReactorOwner& owner_;
  PeerExchange* exchange_ = nullptr;
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
  std::vector<PeerSend> peer_sends_;
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
