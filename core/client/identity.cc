#include "core/client/identity.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/digest.h"

namespace chasqui::client {
namespace {

constexpr std::size_t replaced_max = 64;  // device ids remembered; an older one is taken for a new login
constexpr std::uint64_t device_max = std::numeric_limits<std::uint32_t>::max();

}  // namespace

absl::Status Identity::adopt(const Credentials& credentials) {
  if (!is_valid(credentials.user) || credentials.device == DeviceId() || credentials.device.value() > device_max ||
      credentials.secret.size() != bounds::secret_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "credentials of user ", credentials.user.value(), ", device ", credentials.device.value(), ", secret of ",
        credentials.secret.size(), " bytes (must be ", bounds::secret_bytes, "): log in again"));
  }
  if (user_ != UserId() && user_ != credentials.user) {
    return absl::InvalidArgumentError(absl::StrCat("the journal is user ", user_.value(),
                                                   "'s, the credentials are user ", credentials.user.value(),
                                                   "'s: use another home for each user"));
  }
  credentials_ = credentials;
  const auto named = static_cast<std::uint32_t>(credentials.device.value());
  if (user_ == UserId()) {  // a new journal
    user_ = credentials.user;
    device_ = credentials.device;
    record_device(false);
  } else if (credentials.device == device_) {
    if (!secret_.empty()) credentials_.secret = secret_;
  } else if (std::find(replaced_.begin(), replaced_.end(), named) != replaced_.end() && !secret_.empty()) {
    credentials_.device = device_;  // the owner did not hear of the renewal before a crash
    credentials_.secret = secret_;
    tell_owner_ = true;
  } else {  // logged in again: another device, with numbers of its own
    next_secret_.clear();
    become(credentials.device, std::string());
  }
  if (!next_secret_.empty()) outbox_.pause(true);
  return absl::OkStatus();
}

DeviceId Identity::hello_device() const {
  return DeviceId(std::min(credentials_.device.value() + guess_, device_max));
}

void Identity::on_started(MonoTime now) {
  search_at_ = std::max(search_at_, now + config_.request_timeout);
}
void Identity::on_sends_lost(MonoTime now) {
  search_at_ = std::max(search_at_, now + config_.request_timeout);
}

// -------------------------------------------------------------------------------------------------------- renewal

void Identity::begin_renewal(MonoTime now) {
  if (!next_secret_.empty()) return;  // under way
  next_secret_ = random_.bytes(bounds::secret_bytes);
  JournalRecord record;
  record.mutable_renewal()->set_secret(next_secret_);
  intent_record_ = journal_.write(record);
  outbox_.pause(true);
  // A server that refuses the numbers of every device must not be asked for another as fast as it answers.
  ask_at_ = renewals_ < 2 ? now : now + full_jitter(random_, config_.retry_base, config_.retry_cap, renewals_);
  if (renewals_ < 30) ++renewals_;
}

std::optional<RenewDevice> Identity::next_request(MonoTime now) {
  if (next_secret_.empty() || asked_ || now < ask_at_ || !journal_.is_safe(intent_record_)) return std::nullopt;
  asked_ = true;
  RenewDevice renew;
  renew.set_secret_hash(std::string(view(blake2b_256(next_secret_))));
  return renew;
}

bool Identity::on_renewed(DeviceId device) {
  CHASQUI_ASSERT(!next_secret_.empty(), "what was renewed was asked for");
  if (device == DeviceId() || device == credentials_.device || device.value() > device_max) return false;
  become(device, std::exchange(next_secret_, {}));
  return true;
}

void Identity::become(DeviceId device, const std::string& secret) {
  replaced_.push_back(static_cast<std::uint32_t>(device_.value()));
  if (replaced_.size() > replaced_max) replaced_.erase(replaced_.begin());
  device_ = device;
  secret_ = secret;
  guess_ = 0;
  asked_ = false;
  const std::uint64_t record = record_device(true);
  outbox_.on_device_changed();
  outbox_.pause(false);
  searching_.reset();
  if (secret.empty()) return;
  credentials_.device = device;
  credentials_.secret = secret;
  device_record_ = record;
}

std::uint64_t Identity::record_device(bool with_secret) {
  JournalRecord record;
  JournalDevice& device = *record.mutable_device();
  device.set_user(user_.value());
  device.set_device(static_cast<std::uint32_t>(device_.value()));
  for (const std::uint32_t replaced : replaced_) device.add_replaced(replaced);
  if (with_secret) device.set_secret(secret_);
  return journal_.write(record);
}

void Identity::on_renew_error(MonoTime retry_at) {
  asked_ = false;
  ask_at_ = retry_at;
}

void Identity::on_connection_lost() {
  asked_ = false;
  search_outstanding_ = false;
  searching_.reset();
}

void Identity::on_greeted() {
  if (guess_ == 0) return;
  become(hello_device(), std::exchange(next_secret_, {}));
}

bool Identity::on_unauthenticated() {
  if (next_secret_.empty() || guess_ >= guesses_max || !journal_.is_safe(intent_record_)) return false;
  ++guess_;
  return true;
}

std::optional<Credentials> Identity::on_persisted() {
  if (device_record_ != 0 && journal_.is_safe(device_record_)) {
    device_record_ = 0;
    tell_owner_ = true;
  }
  if (!tell_owner_) return std::nullopt;
  tell_owner_ = false;
  return credentials_;
}

// --------------------------------------------------------------------------------------------------------- search

std::optional<Fetch> Identity::next_search(MonoTime now) {
  if (search_outstanding_ || now < search_at_) return std::nullopt;
  if (!searching_) {
    searching_ = outbox_.next_unnumbered();
    if (!searching_) return std::nullopt;
    searched_ = outbox_.search_after(*searching_);
  }
  search_outstanding_ = true;
  return Fetch{*searching_, searched_, static_cast<std::uint32_t>(Inbox::fetch_events_max)};
}

absl::StatusOr<std::vector<Identity::Found>> Identity::on_search_page(const ConversationId& conversation,
                                                                      const HistoryPage& page) {
  CHASQUI_ASSERT(search_outstanding_ && searching_ == conversation, "a page belongs to the search under way");
  search_outstanding_ = false;
  std::vector<Found> all;
  for (const Event& event : page.events()) {
    if (event.seq() <= searched_.value()) return absl::InvalidArgumentError("a page of history is not ascending");
    if (absl::Status status = check_event(event); !status.ok()) return status;
    searched_ = Seq(event.seq());
    if (event.sender() != user_.value()) continue;
    const std::optional<OutboxSeq> ticket = outbox_.found(conversation, event.digest(), searched_);
    if (ticket) all.push_back({*ticket, searched_, {event.time_ms()}});
  }
  if (page.events().empty() || searched_.value() >= page.head()) {
    outbox_.number_from_1(conversation);
    searching_.reset();
  }
  return all;
}

void Identity::on_search_error(const ConversationId& conversation, const Error& error, MonoTime retry_at) {
  search_outstanding_ = false;
  if (error.code() == PERMISSION_DENIED || error.code() == NOT_FOUND) {  // nothing of ours can be there
    outbox_.number_from_1(conversation);
    searching_.reset();
    return;
  }
  search_at_ = std::max(search_at_, retry_at);
}

MonoTime Identity::next_deadline(MonoTime now) const {
  MonoTime next = MonoTime::never();
  if (!next_secret_.empty() && !asked_ && ask_at_ > now) next = ask_at_;
  if (!search_outstanding_ && search_at_ > now && (searching_ || outbox_.next_unnumbered())) {
    next = earlier(next, search_at_);
  }
  return next;
}

// -------------------------------------------------------------------------------------------------------- journal

void Identity::replay(const JournalDevice& record) {
  const bool another = user_ != UserId() && device_.value() != record.device();
  user_ = UserId(record.user());
  device_ = DeviceId(record.device());
  secret_ = record.secret();
  replaced_.assign(record.replaced().begin(), record.replaced().end());
  if (replaced_.size() > replaced_max) replaced_.resize(replaced_max);
  next_secret_.clear();
  if (another) outbox_.on_device_changed_before();
}

void Identity::replay(const JournalRenewal& record) {
  next_secret_ = record.secret();
}

void Identity::compact(std::vector<JournalRecord>& out) const {
  JournalDevice& device = *out.emplace_back().mutable_device();
  device.set_user(user_.value());
  device.set_device(static_cast<std::uint32_t>(device_.value()));
  for (const std::uint32_t replaced : replaced_) device.add_replaced(replaced);
  device.set_secret(secret_);
  if (!next_secret_.empty()) out.emplace_back().mutable_renewal()->set_secret(next_secret_);
}

}  // namespace chasqui::client
