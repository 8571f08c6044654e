// What HTTP asks: accounts and logins. The password itself never comes here: its owner hashes or verifies it when told.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/address.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/base/text.h"
#include "core/gateway/content.h"
#include "core/node_impl.h"

namespace chasqui {
namespace {

using gateway::Rate;

constexpr char wrong_login[] = "the handle or the password is wrong";
constexpr char no_password[] = "!";  // a credential that no password verifies against

const std::string& name_of(const std::variant<CreateAccountCall, LoginCall, ProvisionCall>& body) {
  return std::visit([](const auto& call) -> const std::string& { return call.device_name; }, body);
}
const std::string& secret_hash_of(const std::variant<CreateAccountCall, LoginCall, ProvisionCall>& body) {
  return std::visit([](const auto& call) -> const std::string& { return call.secret_hash; }, body);
}
const std::string& handle_of(const std::variant<CreateAccountCall, LoginCall, ProvisionCall>& body) {
  return std::visit([](const auto& call) -> const std::string& { return call.handle; }, body);
}

std::string failures_key(const std::string& handle, const Address& address) {
  return absl::StrCat(handle, "/", text({reinterpret_cast<const char*>(address.data()), address.size()}));
}

}  // namespace

void Node::Impl::answer_call(CallId id, HttpAnswer answer, Outputs& out) {
  Call* call = calls_.find(id);
  if (call == nullptr) return;  // abandoned
  if (answer.code == 0) {
    answer.handle = call->handle;
    const bool login = std::holds_alternative<LoginCall>(call->body);
    out.push_back(Note{
        login ? NoteKind::DeviceAdded : NoteKind::AccountCreated, {}, {}, answer.user.value(), answer.device.value()});
  }
  answer.call = id;
  calls_.erase(id);
  out.push_back(std::move(answer));
}

void Node::Impl::refuse_call(CallId id, client::Code code, std::string message, Outputs& out,
                             std::uint32_t retry_after_ms) {
  HttpAnswer answer;
  answer.code = static_cast<std::uint32_t>(code);
  answer.message = std::move(message);
  answer.retry_after_ms = retry_after_ms;
  const Call* call = calls_.find(id);
  if (call != nullptr && std::holds_alternative<LoginCall>(call->body)) {
    out.push_back(Note{NoteKind::LoginRefused, {}, {}, static_cast<std::uint64_t>(code), 0});
  }
  answer_call(id, std::move(answer), out);
}

void Node::Impl::input(Now now, HttpCall& in, Outputs& out) {
  if (calls_.contains(in.call)) return;
  Call call;
  call.address = in.address;
  call.body = std::move(in.body);
  calls_.insert(in.call, call);
  if (calls_.size() > config_.limits.calls_max) {
    return refuse_call(in.call, client::RESOURCE_EXHAUSTED, "too many requests are under way: try again", out, 1'000);
  }
  const auto handle = gateway::fold_handle(handle_of(call.body), config_.limits);
  const absl::Status name = gateway::check_device_name(name_of(call.body), config_.limits);
  if (!handle.ok() || !name.ok()) {
    const absl::Status bad = handle.ok() ? name : handle.status();
    return refuse_call(in.call, client::INVALID_ARGUMENT, std::string(std_view(bad.message())), out);
  }
  if (secret_hash_of(call.body).size() != bounds::digest_bytes) {
    return refuse_call(in.call, client::INVALID_ARGUMENT, "secret_hash is BLAKE2b-256 of the device's secret: 32 bytes",
                       out);
  }
  Call& kept = *calls_.find(in.call);
  kept.handle = *handle;
  const bool login = std::holds_alternative<LoginCall>(kept.body);
  if (!std::holds_alternative<ProvisionCall>(kept.body) && !is_loopback(in.address)) {
    const Rate rate =
        login ? Rate::per_token_ms(config_.limits.login_address_burst, config_.limits.login_address_refill_ms)
              : Rate::per_token_ms(config_.limits.registration_address_burst,
                                   config_.limits.registration_address_refill_ms);
    gateway::Bucket& bucket = (login ? logins_ : registrations_).at(in.address);
    if (!bucket.take(now.mono, rate)) {
      return refuse_call(in.call, client::RESOURCE_EXHAUSTED, "too many requests from this address: wait a little", out,
                         bucket.wait_ms(now.mono, rate));
    }
  }
  if (login) return log_in(now, in.call, kept, out);
  create_account(now, in.call, kept, out);
}

void Node::Impl::input(Now, CallAbandoned& in, Outputs&) {
  calls_.erase(in.call);
}

// --------------------------------------------------------------------------------------------------------- create

void Node::Impl::create_account(Now now, CallId id, Call& call, Outputs& out) {
  Shard& shard = shard_for_handle(call.handle);
  if (!shard.led || !shard.replica.reads_fresh(now)) {
    return refuse_call(id, client::UNAVAILABLE, "this shard has no leader just now: try again", out, 200);
  }
  // Hashing costs 64 MiB and a tenth of a second: not for a handle that is taken, unless this may be a retry.
  const bool asked = read(
      {RangeRead::row(keys::handle(shard.id, call.handle))},
      [this, id](Now then, ReadDone& done, Outputs& outputs) {
        Call* waiting = calls_.find(id);
        if (waiting == nullptr) return;
        state::Handle claim;
        const bool taken = !done.results.empty() && !done.results[0].rows.empty() &&
                           claim.ParseFromString(done.results[0].rows[0].value);
        if (taken) {  // the command decides whether this is a retry by the same device; no credential is needed for
                      // that
          waiting->user = UserId(claim.user());
          return propose_account(then, id, *waiting, no_password, outputs);
        }
        waiting->user = draw_user(waiting->handle);
        if (std::holds_alternative<ProvisionCall>(waiting->body)) {
          return propose_account(then, id, *waiting, no_password, outputs);
        }
        outputs.push_back(PasswordWork{id, PasswordWork::Kind::Hash, ""});
      },
      out);
  if (!asked) refuse_call(id, client::UNAVAILABLE, "the server is busy reading: try again", out, 500);
}

// Drawn until user and handle share a shard: then handle, user and first device are one command.
UserId Node::Impl::draw_user(std::string_view handle) {
  constexpr std::uint64_t random_bits = (std::uint64_t{1} << 53) - 1;  // home 0
  const ShardId wanted = router_.of_handle(handle).shard;
  for (;;) {
    const UserId drawn(random_.next_64() & random_bits);
    if (is_valid(drawn) && router_.of_user(drawn).shard == wanted) return drawn;
  }
}

void Node::Impl::propose_account(Now now, CallId id, Call& call, std::string credential, Outputs& out) {
  log::Command command;
  log::CreateAccount& create = *command.mutable_create_account();
  create.set_handle(call.handle);
  create.set_user(call.user.value());
  create.set_credential(std::move(credential));
  create.set_device_name(name_of(call.body));
  create.set_secret_hash(secret_hash_of(call.body));
  Shard& shard = shard_of_user(call.user);
  const MonoTime deadline = now.mono + milliseconds(static_cast<std::int64_t>(config_.limits.deadline_ms_max));
  if (const auto refusal = enqueue(shard, command, CallOrigin{id}, now, deadline, true)) {
    refuse_call(id, refusal->code, refusal->message, out, refusal->retry_after_ms);
  }
}

// ---------------------------------------------------------------------------------------------------------- login

void Node::Impl::log_in(Now now, CallId id, Call& call, Outputs& out) {
  const Rate failures = Rate::per_token_ms(config_.limits.login_failure_burst, config_.limits.login_failure_refill_ms);
  gateway::Bucket probe = login_failures_.at(failures_key(call.handle, call.address));
  if (!probe.take(now.mono, failures)) {
    return refuse_call(id, client::RESOURCE_EXHAUSTED, "too many failed logins for this account: wait a little", out,
                       probe.wait_ms(now.mono, failures));
  }
  Shard& shard = shard_for_handle(call.handle);
  if (!shard.led || !shard.replica.reads_fresh(now)) {
    return refuse_call(id, client::UNAVAILABLE, "this shard has no leader just now: try again", out, 200);
  }
  const bool asked = read(
      {RangeRead::row(keys::handle(shard.id, call.handle))},
      [this, id](Now, ReadDone& done, Outputs& outputs) {
        Call* waiting = calls_.find(id);
        if (waiting == nullptr) return;
        state::Handle claim;
        if (done.results.empty() || done.results[0].rows.empty() ||
            !claim.ParseFromString(done.results[0].rows[0].value)) {
          outputs.push_back(PasswordWork{id, PasswordWork::Kind::Verify, ""});  // as long as a real one takes
          return;
        }
        waiting->user = UserId(claim.user());
        Shard& home = shard_of_user(waiting->user);
        const bool asked_again = read(
            {RangeRead::row(keys::account(home.id, waiting->user))},
            [this, id](Now, ReadDone& account_done, Outputs& more) {
              if (!calls_.contains(id)) return;
              state::Account account;
              const bool there = !account_done.results.empty() && !account_done.results[0].rows.empty() &&
                                 account.ParseFromString(account_done.results[0].rows[0].value);
              more.push_back(
                  PasswordWork{id, PasswordWork::Kind::Verify, there ? account.credential() : std::string()});
            },
            outputs);
        if (!asked_again) refuse_call(id, client::UNAVAILABLE, "the server is busy reading: try again", outputs, 500);
      },
      out);
  if (!asked) refuse_call(id, client::UNAVAILABLE, "the server is busy reading: try again", out, 500);
}

void Node::Impl::input(Now now, PasswordHashed& in, Outputs& out) {
  Call* call = calls_.find(in.call);
  if (call == nullptr) return;
  if (in.result == PasswordHashed::Result::Overloaded) {
    return refuse_call(in.call, client::RESOURCE_EXHAUSTED, "too many people log in at once: try again", out, 2'000);
  }
  if (std::holds_alternative<CreateAccountCall>(call->body)) {
    if (in.result == PasswordHashed::Result::Wrong || in.credential.empty()) {
      return refuse_call(in.call, client::INTERNAL, "the password could not be hashed", out);
    }
    return propose_account(now, in.call, *call, std::move(in.credential), out);
  }
  if (in.result == PasswordHashed::Result::Wrong || !call->user) {
    const Rate failures =
        Rate::per_token_ms(config_.limits.login_failure_burst, config_.limits.login_failure_refill_ms);
    (void)login_failures_.at(failures_key(call->handle, call->address)).take(now.mono, failures);
    return refuse_call(in.call, client::UNAUTHENTICATED, wrong_login, out);
  }
  propose_device(now, in.call, *call, out);
}

void Node::Impl::propose_device(Now now, CallId id, Call& call, Outputs& out) {
  log::Command command;
  log::AddDevice& add = *command.mutable_add_device();
  add.set_user(call.user.value());
  add.set_device_name(name_of(call.body));
  add.set_secret_hash(secret_hash_of(call.body));
  const MonoTime deadline = now.mono + milliseconds(static_cast<std::int64_t>(config_.limits.deadline_ms_max));
  if (const auto refusal = enqueue(shard_of_user(call.user), command, CallOrigin{id}, now, deadline, true)) {
    refuse_call(id, refusal->code, refusal->message, out, refusal->retry_after_ms);
  }
}

}  // namespace chasqui
