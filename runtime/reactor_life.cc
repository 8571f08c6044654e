// How a reactor's life goes: ready, signals, the end; and what it tells of itself meanwhile.
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "net/clock.h"
#include "runtime/logging.h"
#include "runtime/reactor.h"

namespace chasqui {

using logging::Level;
using logging::log;

namespace {

constexpr auto stop_after = std::chrono::milliseconds(4'000);  // of the 5 s; the rest is for the log and the store

}  // namespace

std::vector<std::string> Reactor::why_not_ready() {
  std::vector<std::string> reasons;
  if (is_stopping_) {
    reasons.emplace_back("it is shutting down");
  }
  if (!node_.ready() || !owner_.are_all_ready()) {
    reasons.emplace_back("shards have no leader yet");
  }
  if (std::string why = why_elsewhere(); !why.empty()) {
    reasons.push_back(std::move(why));
  }
  return reasons;
}

std::string Reactor::why_elsewhere() {
  return node_.reaches_majority() ? std::string() : "it reaches no majority of the cluster's nodes";
}

void Reactor::wait_for_signal() {
  signals_.async_wait([this](ErrorCode error, int number) {
    if (!error) {
      on_signal(number);
      wait_for_signal();
    }
  });
}

void Reactor::on_signal(int number) {
  if (number == SIGHUP) {
    return owner_.on_reload();
  }
  if (is_stopping_) {
    log(Level::Warn, "stopping at once");
    _exit(0);  // crash-only: nothing accepted is lost by that
  }
  owner_.on_signal_stop();
}

void Reactor::stop() {
  if (std::exchange(is_stopping_, true)) {
    return;
  }
  log(Level::Info, "stopping", {{"sessions", server_.sessions()}});
  server_.stop_accepting();
  inputs_.emplace_back(Drain{});
  stop_timer_.expires_after(stop_after);
  stop_timer_.async_wait([this](ErrorCode cancelled) {
    if (!cancelled) {
      is_done_ = true;
    }
  });
}

boost::json::object Reactor::stats() {
  boost::json::object stats;
  stats["ready"] = node_.ready();
  stats["uptime_ms"] = (mono_now() - started_).ns / 1'000'000;
  stats["sessions"] = server_.sessions();
  stats["shards_led"] = node_.shards_led();
  stats["sockets_without_session"] = server_.sockets_without_session();
  stats["steps"] = steps_;
  stats["memory_bytes"] = node_.memory_bytes();
  stats["log_bytes_in_flight"] = log_thread_.bytes_in_flight();
  stats["disk"] = static_cast<int>(pressure_.disk);
  stats["store_behind"] = pressure_.store_behind;
  stats["limits"] = config_.limits_profile;
  boost::json::object counts;
  for (std::size_t i = 0; i < NoteLog::kinds; i++) {
    const auto kind = static_cast<NoteKind>(i);
    const std::string_view name = NoteLog::name(kind);
    counts[boost::json::string_view(name.data(), name.size())] = notes_.count(kind);
  }
  stats["notes"] = std::move(counts);
  return stats;
}

}  // namespace chasqui
