#include "runtime/chasqui/session.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/chasqui/local_channel.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/printable.h"

namespace chasqui::cli {
namespace {

constexpr auto lock_poll = std::chrono::milliseconds(50);
constexpr auto goodbye_max = std::chrono::seconds(2);
constexpr auto patience = std::chrono::milliseconds(1500);

}  // namespace

absl::StatusOr<net::ServerList> choose_server(const Options& options, const std::string& login_server) {
  std::string url = options.server.empty() ? login_server : options.server;
  if (url.empty()) url = default_server;
  auto servers = net::parse_servers(url);
  if (!servers.ok()) return usage_error({servers.status().message().data(), servers.status().message().size()});
  servers->set_ca_file(options.ca_file);
  return servers;
}

absl::StatusOr<Home> open_locked_home(const Options& options) {
  auto home = Home::open(options.home);
  if (!home.ok()) return home.status();
  // A short command lets go soon; a program that stays does not.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  for (;;) {
    auto locked = home->try_lock();
    if (!locked.ok()) return locked.status();
    if (*locked) return home;
    if (std::chrono::steady_clock::now() >= until) {
      return usage_error(
          absl::StrCat(home->holder(), " uses ", home->folder(), ": close it first, or say another --home"));
    }
    std::this_thread::sleep_for(lock_poll);
  }
}

Session::Session(const Options& options, Home home) : options_(options), home_(std::move(home)) {}

absl::StatusOr<std::unique_ptr<Session>> Session::open(const Options& options, Holding holding) {
  auto home = Home::open(options.home);
  if (!home.ok()) return home.status();
  std::unique_ptr<Session> session(new Session(options, *std::move(home)));
  if (absl::Status status = session->take_or_join(holding); !status.ok()) return status;
  return session;
}

absl::Status Session::take_or_join(Holding holding) {
  auto login = read_login(home_);
  if (!login.ok()) return login.status();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(options_.timeout_s);
  for (;;) {
    auto locked = home_.try_lock();
    if (!locked.ok()) return locked.status();
    if (*locked) {
      login = read_login(home_);  // it may have changed before the lock was ours
      return login.ok() ? take(*login) : login.status();
    }
    auto joined = connect_to_home(io_, home_);
    if (joined.ok()) {
      if (holding == Holding::MustHold) {
        return usage_error(
            absl::StrCat(home_.holder(), " uses ", home_.folder(), ": close it first, or say another --home"));
      }
      channel_ = *std::move(joined);
      return absl::OkStatus();
    }
    if (std::chrono::steady_clock::now() >= until) {
      return absl::UnavailableError(absl::StrCat(home_.holder(), " still uses ", home_.folder()));
    }
    std::this_thread::sleep_for(lock_poll);
  }
}

absl::Status Session::take(const Login& login) {
  auto server = choose_server(options_, login.server);
  if (!server.ok()) return server.status();
  auto device = Device::open(io_, home_, login, *std::move(server));
  if (!device.ok()) return device.status();
  device_ = *std::move(device);
  channel_ = std::make_unique<LocalChannel>(io_, *device_);
  device_->start();
  patience_.expires_after(patience);
  patience_.async_wait([this](boost::system::error_code error) {
    if (!error) mention_trouble();
  });
  return absl::OkStatus();
}

Session::~Session() {
  // Whoever waits for a reply goes first, then the socket, then the device they use.
  channel_.reset();
  server_.reset();
  if (!device_) return;
  device_->stop();
  timeout_.cancel();
  patience_.cancel();
  signals_.cancel();
  // What is written in a moment is written: the goodbye, marks that wait for the journal.
  io_.restart();
  io_.run_for(goodbye_max);
}

absl::Status Session::serve() {
  auto server = HomeServer::open(io_, home_, *device_);
  if (server.ok()) server_ = *std::move(server);
  return server.status();
}

absl::Status Session::run() {
  if (!finished_) {
    if (options_.timeout_s > 0 && timeout_.expiry() == std::chrono::steady_clock::time_point()) progress();
    io_.run();
  }
  return status_;
}

void Session::finish(const absl::Status& status) {
  if (std::exchange(finished_, true)) return;
  status_ = status;
  io_.stop();
}

void Session::progress() {
  timeout_.expires_after(std::chrono::seconds(options_.timeout_s));
  timeout_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    finish(absl::DeadlineExceededError(absl::StrCat("no answer within ", options_.timeout_s, " s: ", trouble())));
  });
}

void Session::no_timeout() {
  timeout_.expires_at(std::chrono::steady_clock::time_point::max());
}

void Session::on_interrupt(std::function<void()> go) {
  signals_.add(SIGINT);
  signals_.add(SIGTERM);
  signals_.async_wait([go = std::move(go)](boost::system::error_code error, int) {
    if (!error) go();
  });
}

std::string Session::trouble() const {
  return device_ ? device_->trouble() : absl::StrCat(home_.holder(), ", which holds this home, did not hear from it");
}

void Session::mention_trouble() {
  if (finished_ || device_->client().is_connected() || device_->transport().last_error().ok()) return;
  std::fprintf(stderr, "chasqui: %s; trying on\n", printable(device_->trouble()).c_str());
}

}  // namespace chasqui::cli
