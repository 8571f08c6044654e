#include "runtime/password.h"

#include <sodium.h>

#include <array>
#include <memory>

namespace chasqui {

namespace {

// Of a password that nobody has: with the same cost as a real one, and never a match.
constexpr const char* nobodys_credential =
    "$argon2id$v=19$m=65536,t=2,p=1$Y2hhc3F1aWNoYXNxdWkhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

PasswordHashed carry_out(CallId call, PasswordWork::Kind kind, const std::string& credential, const Secret& password) {
  PasswordHashed answer;
  answer.call = call;
  switch (kind) {
    case PasswordWork::Kind::Hash:
      answer.credential = hash_password(password);
      answer.result = answer.credential.empty() ? PasswordHashed::Result::Overloaded : PasswordHashed::Result::Done;
      return answer;
    case PasswordWork::Kind::Verify:
      answer.result =
          verify_password(credential, password) ? PasswordHashed::Result::Done : PasswordHashed::Result::Wrong;
      return answer;
  }
  return answer;
}

}  // namespace

std::string hash_password(const Secret& password) {
  std::array<char, crypto_pwhash_STRBYTES> out{};
  const std::string_view bytes = password.reveal();
  if (crypto_pwhash_str_alg(out.data(), bytes.data(), bytes.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                            crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return {};
  }
  return out.data();
}

bool verify_password(const std::string& credential, const Secret& password) {
  const bool is_real = !credential.empty();
  const std::string_view bytes = password.reveal();
  const int result =
      crypto_pwhash_str_verify(is_real ? credential.c_str() : nobodys_credential, bytes.data(), bytes.size());
  return is_real && result == 0;
}

PasswordPool::PasswordPool(const Limits& limits, std::function<void(PasswordHashed)> done)
    : done_(std::move(done)), worker_(limits.passwords_running_max, limits.passwords_waiting_max) {}

void PasswordPool::submit(const PasswordWork& work, Secret password) {
  // std::function wants a copyable job, and a Secret is not: it goes by a shared pointer.
  auto secret = std::make_shared<Secret>(std::move(password));
  const bool taken = worker_.submit([this, call = work.call, kind = work.kind, credential = work.credential, secret] {
    done_(carry_out(call, kind, credential, *secret));
  });
  if (!taken) {
    done_({work.call, PasswordHashed::Result::Overloaded, {}});
  }
}

}  // namespace chasqui
