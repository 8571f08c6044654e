// A device that speaks client.proto by hand, for tests that a well-behaved client core would not let happen.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/client/client.h"
#include "net/testing/raw_client.h"
#include "proto/client.pb.h"

namespace chasqui::e2e {

// A logged-in device that speaks by hand, one request after the other.
class RawSession {
 public:
  RawSession(std::uint16_t port, const client::Credentials& me) : raw(port), me_(me) {}

  // The answer to its Hello; nullopt: none came.
  std::optional<client::ServerFrame> hello(const std::string& secret = "") {
    EXPECT_EQ(raw.upgrade(), "");
    client::ClientFrame frame;
    frame.mutable_hello()->set_user(me_.user.value());
    frame.mutable_hello()->set_device(static_cast<std::uint32_t>(me_.device.value()));
    frame.mutable_hello()->set_secret(secret.empty() ? me_.secret : secret);
    frame.mutable_hello()->set_generation(1);
    return ask(frame);
  }
  std::optional<client::ServerFrame> ask(client::ClientFrame frame) {
    frame.set_request_id(++last_request_);
    raw.send(bytes_of(frame));
    return answer(last_request_);
  }
  std::optional<client::ServerFrame> answer(std::uint64_t request) {
    while (const auto message = raw.next_frame()) {
      if (message->opcode == 9) {
        raw.send(testing::RawClient::frame(10, message->payload));
      }
      client::ServerMessage parsed;
      if (message->opcode != 2 || !parsed.ParseFromString(message->payload)) {
        continue;
      }
      for (const client::ServerFrame& frame : parsed.frames()) {
        pushes += frame.has_push() ? 1 : 0;
        heads += frame.has_head() ? 1 : 0;
        if (frame.request_id() == request) {
          return frame;
        }
      }
    }
    return std::nullopt;
  }
  std::optional<client::ServerFrame> send_text(const ConversationId& conversation, std::uint64_t number,
                                               std::size_t bytes) {
    client::Payload payload;
    payload.set_nonce(std::string(16, 'n'));
    payload.set_text(std::string(bytes, 'x'));
    client::ClientFrame frame;
    frame.mutable_send()->set_conversation(conversation.str());
    frame.mutable_send()->set_outbox_seq(number);
    frame.mutable_send()->set_payload(payload.SerializeAsString());
    return ask(frame);
  }
  static std::string bytes_of(const client::ClientFrame& frame) {
    client::ClientMessage message;
    *message.add_frames() = frame;
    return testing::RawClient::frame(2, message.SerializeAsString());
  }

  testing::RawClient raw;
  int pushes = 0;
  int heads = 0;

 private:
  client::Credentials me_;
  std::uint64_t last_request_ = 0;
};

}  // namespace chasqui::e2e
