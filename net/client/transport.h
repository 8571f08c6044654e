// Drives a client::Client over a real network: connection, timers, and its journal through the owner's function.
//
// One thread: everything runs on the caller's io_context, and no call here blocks but the owner's `persist`.
// Invariants: (1) what the client says to persist is persisted, in order, before persisted() is told; all of one turn
// of the loop goes in one call, so that a pipeline of sends costs one sync. (2) Happenings are heard in order and never
// inside one another: a hearer may call() freely.
//
// Example:
//   Transport transport(io, endpoint, std::move(client), {.persist = ..., .hear = ..., .failed = ...});
//   transport.start();
//   transport.call([&](client::Client& c, Now now, client::Outputs& out) { return c.send(now, who, "hola", out); });
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/client/client.h"
#include "net/client/server_list.h"
#include "net/client/websocket.h"
#include "net/clock.h"

namespace chasqui::net {

using chasqui::now;  // of the system's clocks

// How long a client bears a server that can do nothing, e.g. since it is cut off from the rest of its cluster.
struct Patience {
  Duration unserved = seconds(8);  // one request may wait for its deadline
  Duration probe_again = seconds(5);
  Duration move_again = seconds(30);  // doubled by each move that helped nothing
  Duration move_again_most = seconds(600);
};

class Transport final : private WebSocketListener {
 public:
  struct Hooks {
    // Appends the records to the device's journal and syncs them. Empty: nothing is kept, all counts as persisted.
    std::function<absl::Status(const std::vector<std::string>&)> persist;
    std::function<void(client::Happening&&)> hear;
    // The journal cannot be written: the transport has stopped for good.
    std::function<void(const absl::Status&)> failed;
  };

  // With several servers: whoever does not answer, or ends the connection, is left for the next one. Who answers that
  // nothing can be done just now is left for one that lets us in: first it is tried beside the connection that stands,
  // since all may be in the same plight.
  Transport(boost::asio::io_context& io, ServerList servers, std::unique_ptr<client::Client> client, Hooks hooks,
            const Patience& patience = {});
  ~Transport() override;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  void start();
  void stop();

  // Calls the client and carries out what comes of it. What there is to hear is heard after the caller has the result.
  template <class Function>
  auto call(Function&& function) {
    client::Outputs out;
    auto result = std::forward<Function>(function)(*client_, now(), out);
    const bool nested = std::exchange(hearing_, true);
    carry_out(out);
    hearing_ = nested;
    if (!nested && !unheard_.empty()) hear_soon();
    return result;
  }
  [[nodiscard]] const client::Client& client() const { return *client_; }
  // Nothing waits to be persisted: the client's journal may be rewritten now.
  [[nodiscard]] bool is_quiet() const { return to_persist_.empty(); }
  // Runs `then` once all that waits to be persisted is; at once if nothing does, never if that fails.
  void when_persisted(std::function<void()> then);
  // Why the last connection failed or ended; Ok: none has.
  [[nodiscard]] const absl::Status& last_error() const { return last_error_; }

 private:
  void opened() override;
  void message(std::string_view bytes) override;
  void closed(const absl::Status& why) override;

  struct Probe final : WebSocketListener {
    explicit Probe(Transport& transport) : owner(transport) {}
    void opened() override { owner.probe_ends(true); }
    void message(std::string_view) override {}
    void closed(const absl::Status&) override { owner.probe_ends(false); }
    Transport& owner;
    std::size_t other = 0;  // of the servers
    std::shared_ptr<WebSocket> socket;
  };
  void probe_if_unserved();
  void probe_ends(bool is_open);

  void carry_out(client::Outputs& out);
  void persist_soon();
  void persist_now();
  void hear_all();
  void hear_soon();
  void arm_timer();

  boost::asio::io_context& io_;
  ServerList servers_;
  std::unique_ptr<client::Client> client_;
  Hooks hooks_;
  std::shared_ptr<WebSocket> socket_;
  boost::asio::steady_timer timer_;
  MonoTime armed_for_ = MonoTime::never();
  std::vector<std::string> to_persist_;
  bool persist_posted_ = false;
  std::vector<std::function<void()>> when_persisted_;
  std::uint64_t persisted_count_ = 0;
  std::deque<client::Happening> unheard_;
  bool hearing_ = false;
  bool failed_ = false;
  absl::Status last_error_;
  Patience patience_;
  Probe probe_{*this};
  MonoTime probe_after_;
  Duration move_again_after_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // handlers hold it weakly
};

}  // namespace chasqui::net
