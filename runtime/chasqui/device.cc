#include "runtime/chasqui/device.h"

#include <sodium.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "runtime/chasqui/outcome.h"

namespace chasqui::cli {
namespace {

bool passes(const absl::Status& status) {
  return exit_code(status) == exit_unreachable;
}

Seed draw_seed() {
  CHASQUI_ASSERT(::sodium_init() >= 0, "the system has a random generator");
  Seed seed{};
  ::randombytes_buf(seed.data(), seed.size());
  return seed;
}

absl::Status end_status(const client::Ended& ended) {
  std::string message = ended.message;
  if (ended.reason == client::GoAway::SESSION_REPLACED) {
    return absl::FailedPreconditionError(
        "this device was connected from somewhere else, with a copy of this home: use one copy only");
  }
  if (ended.reason == client::GoAway::REVOKED) {
    return absl::UnauthenticatedError(absl::StrCat("this device is logged out", message.empty() ? "" : " (", message,
                                                   message.empty() ? "" : ")",
                                                   ": run `chasqui logout`, then `chasqui login HANDLE`"));
  }
  return absl::FailedPreconditionError(message.empty() ? "the server ended this device's session for good" : message);
}

}  // namespace

Device::Device(boost::asio::io_context& io, const Home& home, Login login, Journal journal)
    : io_(io), home_(home), login_(std::move(login)), journal_(std::move(journal)), names_(home) {}

absl::StatusOr<std::unique_ptr<Device>> Device::open(boost::asio::io_context& io, const Home& home, Login login,
                                                     net::ServerList servers) {
  std::vector<std::string> records;
  auto journal = Journal::open(home.path("journal"), records);
  if (!journal.ok()) return journal.status();
  if (journal->cut_bytes() > 0) {
    std::fprintf(stderr, "chasqui: the journal ended in %llu bytes of an unfinished write; they are in %s\n",
                 static_cast<unsigned long long>(journal->cut_bytes()), home.path("journal.torn").c_str());
  }
  client::Config config;
  config.retry_cap = seconds(5);  // somebody is waiting
  auto client = client::Client::open(login.credentials, config, draw_seed(), records);
  if (!client.ok()) return client.status();
  if (journal->is_long()) {
    if (absl::Status shorter = journal->rewrite((*client)->compacted()); !shorter.ok()) return shorter;
    (*client)->journal_replaced();
  }
  std::unique_ptr<Device> device(new Device(io, home, std::move(login), *std::move(journal)));
  Device* self = device.get();
  device->transport_ = std::make_unique<net::Transport>(
      io, std::move(servers), *std::move(client),
      net::Transport::Hooks{[self](const std::vector<std::string>& written) { return self->persist(written); },
                            [self](client::Happening&& happening) { self->hear(std::move(happening)); },
                            [self](const absl::Status& why) { self->give_up(why); }});
  return device;
}

void Device::stop() {
  hearers_.clear();
  offline_.clear();
  asked_.clear();
  handles_asked_.clear();
  users_asked_.clear();
  transport_->stop();
}

std::string Device::trouble() const {
  if (!end_.ok()) return std::string(end_.message());
  if (!transport_->last_error().ok()) return std::string(transport_->last_error().message());
  return client().is_connected() ? "the server does not answer" : "no connection yet";
}

int Device::subscribe(Hear hear) {
  hearers_.emplace(++last_id_, std::move(hear));
  return last_id_;
}

absl::Status Device::persist(const std::vector<std::string>& records) {
  absl::Status written = journal_.append(records);
  if (written.ok() && (journal_.is_long() || is_outdated_)) compact_when_quiet();
  return written;
}

// Not inside persist(): the client must first know what is persisted.
void Device::compact_when_quiet() {
  if (std::exchange(compaction_posted_, true)) return;
  boost::asio::post(io_, [this] {
    compaction_posted_ = false;
    if (!transport_->is_quiet()) return;
    const absl::Status shorter = journal_.rewrite(client().compacted());
    // A full disk refuses the copy, not the journal: it goes on as it is.
    if (!shorter.ok()) return journal_.is_short();
    is_outdated_ = false;
    transport_->call([](client::Client& client, Now, client::Outputs&) {
      client.journal_replaced();
      return 0;
    });
  });
}

void Device::hear(client::Happening&& happening) {
  if (std::holds_alternative<client::Connected>(happening)) {
    go_online();
  } else if (std::holds_alternative<client::Disconnected>(happening)) {
    synced_ = false;
  } else if (std::holds_alternative<client::Synced>(happening)) {
    synced_ = true;
  } else if (std::holds_alternative<client::JournalOutdated>(happening)) {
    is_outdated_ = true;
    compact_when_quiet();
  } else if (const auto* ended = std::get_if<client::Ended>(&happening)) {
    end_ = end_status(*ended);
  } else if (const auto* changed = std::get_if<client::DeviceChanged>(&happening)) {
    login_.credentials = changed->credentials;
    if (absl::Status kept = write_login(home_, login_); !kept.ok()) return give_up(kept);
  } else if (const auto* looked_up = std::get_if<client::LookupDone>(&happening)) {
    if (auto node = asked_.extract(looked_up->request)) node.mapped()(*looked_up);
  }
  // A hearer may subscribe or unsubscribe anyone, itself too.
  std::vector<int> ids;
  for (const auto& [id, hearer] : hearers_) ids.push_back(id);
  for (const int id : ids) {
    const auto it = hearers_.find(id);
    if (it == hearers_.end()) continue;
    const Hear hearer = it->second;
    hearer(happening);
  }
}

void Device::give_up(const absl::Status& why) {
  end_ = why;
  hear(client::Ended{client::GoAway::UNSPECIFIED, std::string(why.message())});
  end_ = why;
}

void Device::go_online() {
  for (auto& go : std::exchange(offline_, {})) go();
}

void Device::when_online(std::function<void()> go) {
  if (client().is_connected()) return go();
  offline_.push_back(std::move(go));
}

// ------------------------------------------------------------------------------------------------------------ names

void Device::resolve(const std::string& who, Resolved done) {
  const std::string handle = fold_handle(who);
  if (handle == fold_handle(me().handle)) return done(me().user);
  if (const auto user = names_.user(handle)) return done(*user);
  auto& waiting = handles_asked_[handle];
  waiting.push_back(std::move(done));
  if (waiting.size() == 1) look_up_handle(handle);
}

void Device::watch(const std::vector<UserId>& users) {
  for (const UserId user : users) {
    std::erase(watched_, user);
    watched_.push_back(user);
  }
  if (watched_.size() > bounds::watched_max) watched_.erase(watched_.begin(), watched_.end() - bounds::watched_max);
  transport_->call([this](client::Client& client, Now now, client::Outputs& out) {
    client.watch(now, watched_, out);
    return 0;
  });
}

void Device::look_up_handle(const std::string& handle) {
  when_online([this, handle] {
    const std::uint64_t request = transport_->call(
        [&handle](client::Client& client, Now now, client::Outputs& out) { return client.look_up(now, handle, out); });
    asked_[request] = [this, handle](const client::LookupDone& done) { on_handle(handle, done); };
  });
}

void Device::on_handle(const std::string& handle, const client::LookupDone& done) {
  if (passes(done.status)) {
    // Asked again at the next connection; or at once, if this one still stands, but not in a tight loop.
    auto timer = std::make_shared<boost::asio::steady_timer>(io_, std::chrono::milliseconds(200));
    timer->async_wait([this, handle, timer](boost::system::error_code) {
      if (handles_asked_.contains(handle)) look_up_handle(handle);
    });
    return;
  }
  const UserId user(done.profile.user());
  if (done.status.ok()) names_.remember(user, handle);
  auto node = handles_asked_.extract(handle);
  if (!node) return;
  for (auto& waiting : node.mapped()) {
    done.status.ok() ? waiting(user) : waiting(done.status);
  }
}

void Device::name_of(UserId user, std::function<void(const std::string&)> done) {
  if (user == me().user) return done(me().handle);
  if (const auto handle = names_.handle(user)) return done(*handle);
  auto& waiting = users_asked_[user];
  waiting.push_back(std::move(done));
  if (waiting.size() == 1) look_up_user(user);
}

void Device::look_up_user(UserId user) {
  when_online([this, user] {
    const std::uint64_t request = transport_->call(
        [user](client::Client& client, Now now, client::Outputs& out) { return client.look_up(now, user, out); });
    asked_[request] = [this, user](const client::LookupDone& done) { on_user(user, done); };
  });
}

void Device::on_user(UserId user, const client::LookupDone& done) {
  std::string name = absl::StrCat("#", user.value());
  if (done.status.ok()) {
    name = done.profile.handle();
    names_.remember(user, name);
  }
  auto node = users_asked_.extract(user);
  if (!node) return;
  for (auto& waiting : node.mapped()) waiting(name);
}

}  // namespace chasqui::cli
