// A server that is broken, or not ours: whatever it says, the client neither falls nor grows, and after it lives on.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "core/client/client.h"
#include "core/client/model_server.h"

namespace chasqui::client::testing {
namespace {

const ConversationId chat = ConversationId::direct(UserId(1), UserId(2));

// A frame that may well fit what was asked, with numbers from anywhere.
ServerFrame any_frame() {
  const auto number = [] {
    return *rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 6), rc::gen::arbitrary<std::uint64_t>(),
                           rc::gen::just<std::uint64_t>(~std::uint64_t{0}));
  };
  const auto name = [] { return *rc::gen::element(chat.str(), std::string("short"), std::string(16, '\x7f')); };
  ServerFrame frame;
  frame.set_request_id(*rc::gen::inRange<std::uint64_t>(0, 12));
  const auto fill = [&](HistoryPage& page) {
    page.set_conversation(name());
    page.set_head(number());
    Event& event = *page.add_events();
    event.set_seq(number());
    event.set_sender(number());
  };
  const auto fill_sync = [&](SyncPage& page) {
    page.set_top_version(number());
    page.set_next_below(number());
    page.add_entries()->set_conversation(name());
    page.mutable_entries(0)->set_head(number());
    page.mutable_entries(0)->set_read(number());
  };
  switch (*rc::gen::inRange(0, 14)) {
    case 0:
      frame.mutable_error()->set_code(static_cast<Code>(*rc::gen::inRange(0, 20)));
      frame.mutable_error()->set_next_outbox_seq(number());
      frame.mutable_error()->set_retry_after_ms(static_cast<std::uint32_t>(number()));
      break;
    case 1:
      frame.mutable_hello()->set_history_epoch(static_cast<std::uint32_t>(number()));
      fill_sync(*frame.mutable_hello()->mutable_sync());
      break;
    case 2:
      frame.mutable_accepted()->set_conversation(name());
      frame.mutable_accepted()->set_outbox_seq(number());
      frame.mutable_accepted()->set_seq(number());
      break;
    case 3:
      frame.mutable_acked()->set_conversation(name());
      frame.mutable_acked()->set_delivered_seq(number());
      break;
    case 4: fill_sync(*frame.mutable_sync()); break;
    case 5: fill(*frame.mutable_history()); break;
    case 6: frame.mutable_profile(); break;
    case 7: frame.mutable_marks()->add_receipts()->set_conversation(name()); break;
    case 8: frame.mutable_pong(); break;
    case 9: frame.mutable_device_renewed()->set_device(static_cast<std::uint32_t>(number())); break;
    case 10:
      frame.mutable_push()->set_conversation(name());
      frame.mutable_push()->mutable_event()->set_seq(number());
      break;
    case 11:
      frame.mutable_head()->set_conversation(name());
      frame.mutable_head()->set_seq(number());
      break;
    case 12:
      frame.mutable_receipt()->set_conversation(name());
      frame.mutable_receipt()->set_user(number());
      frame.mutable_receipt()->set_read_seq(number());
      break;
    default: frame.mutable_go_away()->set_reason(GoAway::BAD_FRAME); break;
  }
  return frame;
}

RC_GTEST_PROP(ClientHostileLaw, no_server_can_fell_a_client, ()) {
  ModelServer server;
  ModelDevice ana(server, 1, 1);
  ana.open();
  for (int i = 0; i < 60; ++i) {
    if (*rc::gen::inRange(0, 5) == 0 && ana.client->unsent() < 20) (void)ana.send(chat, "hola");
    ana.finish_connecting();
    ana.sync_journal();
    if (*rc::gen::inRange(0, 3) != 0) {
      ana.carry_up();
      ana.carry_down();
    }
    ServerMessage message;
    *message.add_frames() = any_frame();
    std::string bytes = message.SerializeAsString();
    if (*rc::gen::inRange(0, 8) == 0) bytes = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    if (ana.connection != 0) ana.receive(bytes);
    ana.pass(*rc::gen::inRange(0, 3000));
  }
  ana.sync_journal();
  Seed seed{};
  RC_ASSERT(Client::open(ana.credentials, ana.config, seed, ana.journal).ok());
  const auto compacted = ana.client->compacted();
  RC_ASSERT(Client::open(ana.credentials, ana.config, seed, compacted).ok());
}

TEST(ClientHostileTest, an_event_flood_is_bounded) {
  ModelServer server;
  ModelDevice ana(server, 1, 1);
  ana.open();
  ana.settle();
  for (std::uint64_t i = 2; i < 20'000; ++i) {
    ServerMessage message;
    Push& push = *message.add_frames()->mutable_push();
    push.set_conversation(ConversationId::direct(UserId(1), UserId(2 + i % 1000)).str());
    push.mutable_event()->set_seq(10 + i);  // always above a gap
    ana.receive(message.SerializeAsString());
  }
  EXPECT_EQ(ana.unsynced.size(), 0U);  // nothing is taken
  EXPECT_TRUE(ana.heard<Disconnected>().empty());
  // What it asks for is bounded too.
  EXPECT_LE(ana.to_server.size(), 8U);
}

}  // namespace
}  // namespace chasqui::client::testing
