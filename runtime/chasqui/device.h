// This home's device at work: client core, journal, transport and names in one place, for the process that holds the
// home's lock.
//
// Happenings go to every subscriber, in order. All callbacks run on the io_context; those of resolve(), name_of() and
// when_online() may run at once, inside the call.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/client/client.h"
#include "net/client/transport.h"
#include "runtime/chasqui/credentials.h"
#include "runtime/chasqui/home.h"
#include "runtime/chasqui/journal.h"
#include "runtime/chasqui/names.h"

namespace chasqui::cli {

class Device {
 public:
  using Hear = std::function<void(const client::Happening&)>;

  // `servers` override those of the login. The journal is read, and compacted if that pays.
  static absl::StatusOr<std::unique_ptr<Device>> open(boost::asio::io_context& io, const Home& home, Login login,
                                                      net::ServerList servers);
  void start() { transport_->start(); }
  void stop();

  [[nodiscard]] const client::Credentials& me() const { return login_.credentials; }
  [[nodiscard]] net::Transport& transport() { return *transport_; }
  [[nodiscard]] const client::Client& client() const { return transport_->client(); }
  [[nodiscard]] bool is_synced() const { return synced_; }  // of this connection
  // Why this device cannot go on at all (logged out elsewhere, journal cannot be written); Ok: it can.
  [[nodiscard]] const absl::Status& end() const { return end_; }
  // Best guess at why nothing works just now, for a message at a time-out.
  [[nodiscard]] std::string trouble() const;

  int subscribe(Hear hear);
  void unsubscribe(int id) { hearers_.erase(id); }

  void when_online(std::function<void()> go);
  // WHO as typed. NotFound and the like: the server's answer. Waits for the server if the name is not known here.
  void resolve(const std::string& who, std::function<void(absl::StatusOr<UserId>)> done);
  [[nodiscard]] std::optional<UserId> known(const std::string& who) const { return names_.user(fold_handle(who)); }
  // From now on PresenceHeard and TypingHeard of that user, too; of the last bounds::watched_max.
  void watch(const std::vector<UserId>& users);
  // The user's handle; "#ID" if the server does not tell.
  void name_of(UserId user, std::function<void(const std::string&)> done);

 private:
  using Resolved = std::function<void(absl::StatusOr<UserId>)>;

  Device(boost::asio::io_context& io, const Home& home, Login login, Journal journal);
  absl::Status persist(const std::vector<std::string>& records);
  void compact_when_quiet();
  void hear(client::Happening&& happening);
  void go_online();
  void give_up(const absl::Status& why);
  void look_up_handle(const std::string& handle);
  void look_up_user(UserId user);
  void on_handle(const std::string& handle, const client::LookupDone& done);
  void on_user(UserId user, const client::LookupDone& done);

  boost::asio::io_context& io_;
  const Home& home_;
  Login login_;
  Journal journal_;
  Names names_;
  std::unique_ptr<net::Transport> transport_;
  bool compaction_posted_ = false;
  bool is_outdated_ = false;  // the journal holds what was erased
  bool synced_ = false;
  absl::Status end_;
  int last_id_ = 0;
  std::vector<UserId> watched_;
  std::map<int, Hear> hearers_;
  std::vector<std::function<void()>> offline_;  // waiting for the connection
  // Look-ups under way, and who waits for them.
  std::map<std::uint64_t, std::function<void(const client::LookupDone&)>> asked_;
  std::map<std::string, std::vector<Resolved>> handles_asked_;
  std::map<UserId, std::vector<std::function<void(const std::string&)>>> users_asked_;
};

}  // namespace chasqui::cli
