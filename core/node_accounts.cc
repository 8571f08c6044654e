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
  if (login) {
    const Rate failures =
        Rate::per_token_ms(config_.limits.login_failure_burst, config_.limits.login_failure_refill_ms);
    gateway::Bucket probe = login_failures_.at(failures_key(kept.handle, kept.address));
    if (!probe.take(now.mono, failures)) {
      return refuse_call(in.call, client::RESOURCE_EXHAUSTED, "too many failed logins for this account: wait a little",
                         out, probe.wait_ms(now.mono, failures));
    }
  }
  ask_handle(now, in.call, kept, out);
}

void Node::Impl::input(Now, CallAbandoned& in, Outputs&) {
  calls_.erase(in.call);
}

// ------------------------------------------------------------------------------------------- at the shards' leaders

void Node::Impl::serve_handle(Now now, Shard& shard, const Asker& asker, const std::string& handle, Outputs& out) {
  const auto again = [this, &shard, asker, handle](Now then, Outputs& more) {
    serve_handle(then, shard, asker, handle, more);
  };
  if (!fresh(now, shard, asker, again, out)) return;
  const bool asked = read(
      {RangeRead::row(keys::handle(shard.id, handle))},
      [this, asker](Now then, ReadDone& done, Outputs& more) {
        state::Handle claim;
        const bool taken = !done.results.empty() && !done.results[0].rows.empty() &&
                           claim.ParseFromString(done.results[0].rows[0].value);
        respond(then, asker, HandleOwner{taken ? UserId(claim.user()) : UserId()}, more);
      },
      out);
  if (!asked) refuse(now, asker, client::UNAVAILABLE, "the server is busy reading: try again", out, 500);
}

void Node::Impl::serve_account(Now now, Shard& shard, const Asker& asker, UserId user, Outputs& out) {
  const auto again = [this, &shard, asker, user](Now then, Outputs& more) {
    serve_account(then, shard, asker, user, more);
  };
  if (!fresh(now, shard, asker, again, out)) return;
  const bool asked = read(
      {RangeRead::row(keys::account(shard.id, user))},
      [this, asker](Now then, ReadDone& done, Outputs& more) {
        state::Account account;
        const bool there = !done.results.empty() && !done.results[0].rows.empty() &&
                           account.ParseFromString(done.results[0].rows[0].value);
        respond(then, asker, Credential{there ? account.credential() : std::string()}, more);
      },
      out);
  if (!asked) refuse(now, asker, client::UNAVAILABLE, "the server is busy reading: try again", out, 500);
}

// --------------------------------------------------------------------------------------------------- create, log in

void Node::Impl::ask_handle(Now now, CallId id, const Call& call, Outputs& out) {
  const MonoTime deadline = now.mono + milliseconds(static_cast<std::int64_t>(config_.limits.deadline_ms_max));
  ask(now, router_.of_handle(call.handle).shard, deadline, CallAsk{id, HandleOwner{}, call.handle, UserId()}, out);
}

void Node::Impl::call_outcome(Now now, const CallAsk& asked, Outcome& what, Outputs& out) {
  Call* call = calls_.find(asked.call);
  if (call == nullptr) return;  // abandoned
  if (auto* refusal = std::get_if<gateway::Refusal>(&what)) {
    // Nothing was to be stored by a question.
    if (refusal->code == client::ABORTED && !std::holds_alternative<log::Command>(asked.wants)) {
      refusal->code = client::UNAVAILABLE;
    }
    return refuse_call(asked.call, refusal->code, refusal->message, out, refusal->retry_after_ms);
  }
  if (const auto* owner = std::get_if<HandleOwner>(&what))
    return handle_found(now, asked.call, *call, owner->user, out);
  if (auto* found = std::get_if<Credential>(&what)) {
    // Without an account: as long as a real one takes.
    out.push_back(PasswordWork{asked.call, PasswordWork::Kind::Verify, std::move(found->credential)});
    return;
  }
  if (const auto* created = std::get_if<shard::AccountCreated>(&what)) {
    HttpAnswer done;
    done.user = created->user;
    done.device = created->device;
    return answer_call(asked.call, std::move(done), out);
  }
  refuse_call(asked.call, client::INTERNAL, "another node answered something else", out);
}

void Node::Impl::handle_found(Now now, CallId id, Call& call, UserId owner, Outputs& out) {
  call.user = owner;
  if (std::holds_alternative<LoginCall>(call.body)) {
    if (!is_valid(owner) || !owner) {
      call.user = UserId();
      out.push_back(PasswordWork{id, PasswordWork::Kind::Verify, ""});
      return;
    }
    const MonoTime deadline = now.mono + milliseconds(static_cast<std::int64_t>(config_.limits.deadline_ms_max));
    return ask(now, router_.of_user(owner).shard, deadline, CallAsk{id, Credential{}, call.handle, owner}, out);
  }
  // Hashing costs 64 MiB and a tenth of a second: not for a handle that is taken, unless this may be a retry. The
  // command decides whether it is one, by the same device; no credential is needed for that.
  if (owner) return propose_account(now, id, call, no_password, out);
  call.user = draw_user(call.handle);
  if (std::holds_alternative<ProvisionCall>(call.body)) return propose_account(now, id, call, no_password, out);
  out.push_back(PasswordWork{id, PasswordWork::Kind::Hash, ""});
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
  const MonoTime deadline = now.mono + milliseconds(static_cast<std::int64_t>(config_.limits.deadline_ms_max));
  ask(now, router_.of_user(call.user).shard, deadline, CallAsk{id, command, call.handle, call.user}, out);
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
  ask(now, router_.of_user(call.user).shard, deadline, CallAsk{id, command, call.handle, call.user}, out);
}

}  // namespace chasqui
