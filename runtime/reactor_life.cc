// How a reactor's life goes: ready, signals, the end; and what it tells of itself meanwhile.
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "net/clock.h"
#include "runtime/logging.h"
#include "runtime/reactor.h"
#include "storage/durable_file.h"

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
  if (!node_.ready()) {
    reasons.emplace_back("shards have no leader yet");
  }
  return reasons;
}

void Reactor::announce_when_ready() {
  if (!node_.ready()) {
    return;
  }
  is_ready_ = true;
  const std::string address = endpoint_text(server_.endpoint());
  // For scripts and tests: a port 0 is only known here.
  const absl::Status written = storage::write_file(config_.data_dir, "listen", address + "\n");
  if (!written.ok()) {
    log(Level::Warn, "cannot write the file listen", {{"reason", std_view(written.message())}});
  }
  log(Level::Info, absl::StrCat("ready on ", address),
      {{"address", address},
       {"tls", config_.tls_certificate.empty() ? std::string_view("no") : std::string_view("yes")},
       {"limits", config_.limits_profile},
       {"shards", store_.format().shards.value},
       {"ms", static_cast<std::uint64_t>((mono_now() - started_).ns / 1'000'000)}});
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
    return reload_certificate();
  }
  if (is_stopping_) {
    log(Level::Warn, "stopping at once");
    _exit(0);  // crash-only: nothing accepted is lost by that
  }
  stop();
}

void Reactor::reload_certificate() {
  if (config_.tls_certificate.empty()) {
    return;
  }
  auto tls = TlsContext::server(config_.tls_certificate, config_.tls_key);
  if (!tls.ok()) {
    return log(Level::Error, "the certificate was not reloaded", {{"reason", std_view(tls.status().message())}});
  }
  server_.set_tls(*std::move(tls));
  log(Level::Info, "the certificate was reloaded");
}

void Reactor::stop() {
  is_stopping_ = true;
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

std::string Reactor::stats_json() {
  boost::json::object stats;
  stats["ready"] = node_.ready();
  stats["uptime_ms"] = (mono_now() - started_).ns / 1'000'000;
  stats["sessions"] = server_.sessions();
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
  return boost::json::serialize(stats);
}

}  // namespace chasqui
