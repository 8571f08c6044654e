// Passwords, hashed and verified on threads of their own: argon2id (libsodium's INTERACTIVE: 64 MiB, 2 passes), which
// takes tens of milliseconds and must never hold up a reactor.
//
// A verification without a credential costs the same time and answers the same, so that nobody learns which handles
// exist. The password is wiped when its job ends. The blocklist of the commonest passwords is not here yet.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/base/bounds.h"
#include "core/io.h"
#include "net/secret.h"
#include "runtime/worker.h"

namespace chasqui {

// The two functions of the work, for whoever has the time. hash: "" if there is no memory for it.
[[nodiscard]] std::string hash_password(const Secret& password);
[[nodiscard]] bool verify_password(const std::string& credential, const Secret& password);

class PasswordPool {
 public:
  // `done` is called on a thread of the pool.
  PasswordPool(const Limits& limits, std::function<void(PasswordHashed)> done);

  // Overloaded is told at once if too many wait.
  void submit(const PasswordWork& work, Secret password);
  void stop() { worker_.stop(); }

 private:
  std::function<void(PasswordHashed)> done_;
  Worker worker_;
};

}  // namespace chasqui
