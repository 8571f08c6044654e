#include "net/client/transport.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace chasqui::net {
Transport::Transport(boost::asio::io_context& io, ServerList servers, std::unique_ptr<client::Client> client,
                     Hooks hooks, const Patience& patience)
    : io_(io),
      servers_(std::move(servers)),
      client_(std::move(client)),
      hooks_(std::move(hooks)),
      timer_(io),
      patience_(patience) {}

Transport::~Transport() {
  if (socket_) socket_->close();
  if (probe_.socket) probe_.socket->close();
}

void Transport::start() {
  client::Outputs out;
  client_->start(now(), out);
  carry_out(out);
}

void Transport::stop() {
  client::Outputs out;
  client_->stop(now(), out);
  carry_out(out);
  timer_.cancel();
  armed_for_ = MonoTime::never();
}

void Transport::opened() {
  last_error_ = absl::OkStatus();
  client::Outputs out;
  client_->connected(now(), out);
  carry_out(out);
}

void Transport::message(std::string_view bytes) {
  client::Outputs out;
  client_->received(now(), bytes, out);
  carry_out(out);
  probe_if_unserved();
}

// While the client goes on asking it hears UNAVAILABLE again and again, so this is looked at often enough.
void Transport::probe_if_unserved() {
  const MonoTime since = client_->unserved_since();
  if (since == MonoTime::never()) {
    if (client_->is_connected() && client_->unsent() == 0) move_again_after_ = Duration{};
    return;
  }
  const MonoTime at = now().mono;
  if (servers_.size() < 2 || probe_.socket || failed_ || at - since < patience_.unserved || at < probe_after_) return;
  probe_.socket = open_websocket(io_, servers_.other(probe_.other), probe_);
}

void Transport::probe_ends(bool is_open) {
  probe_.socket->close();
  // It may be what calls us just now.
  boost::asio::post(io_, [kept = std::exchange(probe_.socket, nullptr)] {});
  const MonoTime at = now().mono;
  if (!is_open) {
    ++probe_.other;
    probe_after_ = at + patience_.probe_again;
    return;
  }
  if (!socket_ || client_->unserved_since() == MonoTime::never()) return;  // it was helped meanwhile
  move_again_after_ =
      std::min(std::max(Duration{2 * move_again_after_.ns}, patience_.move_again), patience_.move_again_most);
  probe_after_ = at + move_again_after_;
  socket_->close();
  socket_.reset();
  last_error_ = absl::UnavailableError(absl::StrCat(servers_.current().url(), " could do nothing for us"));
  servers_.take_other(std::exchange(probe_.other, 0));
  client::Outputs out;
  client_->disconnected(now(), out);
  carry_out(out);
}

void Transport::closed(const absl::Status& why) {
  last_error_ = why;
  socket_.reset();
  servers_.next();
  client::Outputs out;
  client_->disconnected(now(), out);
  carry_out(out);
}

void Transport::carry_out(client::Outputs& out) {
  if (failed_) return;
  for (std::string& message : out.send) {
    if (socket_) socket_->send(std::move(message));
  }
  if (out.disconnect && socket_) {
    socket_->close();
    socket_.reset();
    servers_.next();
  }
  if (out.connect) {
    if (socket_) socket_->close();
    socket_ = open_websocket(io_, servers_.current(), *this);
  }
  std::move(out.happenings.begin(), out.happenings.end(), std::back_inserter(unheard_));
  std::move(out.persist.begin(), out.persist.end(), std::back_inserter(to_persist_));
  if (!to_persist_.empty()) persist_soon();
  hear_all();
  arm_timer();
}

// With a journal, what comes until the loop's next turn is joined into one sync.
void Transport::persist_soon() {
  if (!hooks_.persist) return persist_now();
  if (std::exchange(persist_posted_, true)) return;
  boost::asio::post(io_, [this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    persist_posted_ = false;
    persist_now();
  });
}

void Transport::when_persisted(std::function<void()> then) {
  if (is_quiet()) return then();
  when_persisted_.push_back(std::move(then));
}

void Transport::persist_now() {
  if (failed_) return;
  const std::vector<std::string> records = std::exchange(to_persist_, {});
  if (hooks_.persist) {
    if (const absl::Status written = hooks_.persist(records); !written.ok()) {
      failed_ = true;
      timer_.cancel();
      if (socket_) socket_->close();
      socket_.reset();
      if (hooks_.failed) hooks_.failed(written);
      return;
    }
  }
  for (const auto& then : std::exchange(when_persisted_, {})) then();
  persisted_count_ += records.size();
  client::Outputs out;
  client_->persisted(now(), persisted_count_, out);
  carry_out(out);
}

void Transport::hear_all() {
  if (std::exchange(hearing_, true)) return;
  while (!unheard_.empty()) {
    client::Happening happening = std::move(unheard_.front());
    unheard_.pop_front();
    if (hooks_.hear) hooks_.hear(std::move(happening));
  }
  hearing_ = false;
}

void Transport::hear_soon() {
  boost::asio::post(io_, [this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) hear_all();
  });
}

// Re-armed only for an earlier deadline: one that moved away lets the timer come early, and an early tick does nothing.
void Transport::arm_timer() {
  const MonoTime deadline = client_->next_deadline();
  if (deadline >= armed_for_) return;
  armed_for_ = deadline;
  timer_.expires_after(std::chrono::nanoseconds(std::max<std::int64_t>(0, (deadline - now().mono).ns)));
  timer_.async_wait([this, alive = std::weak_ptr<int>(alive_)](boost::system::error_code error) {
    if (error || alive.expired()) return;
    armed_for_ = MonoTime::never();
    client::Outputs out;
    client_->tick(now(), out);
    carry_out(out);
  });
}

}  // namespace chasqui::net
