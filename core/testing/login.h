// Somebody with an account, and how a session of hers begins: for worlds of tests.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/ids.h"
#include "proto/client.pb.h"

namespace chasqui::testing {

struct Login {
  UserId user;
  DeviceId device;
  std::string secret;
  std::string handle;
};

// Request 1 of its session.
inline client::ClientFrame hello_of(const Login& login, Version synced, std::uint64_t generation) {
  client::ClientFrame frame;
  frame.set_request_id(1);
  client::Hello& hello = *frame.mutable_hello();
  hello.set_user(login.user.value());
  hello.set_device(static_cast<std::uint32_t>(login.device.value()));
  hello.set_secret(login.secret);
  hello.set_generation(generation);
  hello.set_synced_version(synced.value());
  hello.set_history_epoch(1);
  return frame;
}

}  // namespace chasqui::testing
