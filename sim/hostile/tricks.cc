#include "sim/hostile/tricks.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/digest.h"
#include "proto/client.pb.h"

namespace chasqui::sim {
namespace {

constexpr std::uint64_t all_ones = ~std::uint64_t{0};
// Numbers at which something may turn over.
constexpr std::array<std::uint64_t, 8> edges{
    0, 1, 63, 65, 0xFFFFFFFF, std::uint64_t{1} << 53, std::uint64_t{1} << 63, all_ones};

class Speaker {
 public:
  Speaker(const HostileSession& session, Scene& scene, Dice& dice) : session_(session), scene_(scene), dice_(dice) {}

  std::vector<std::string> say() {
    struct Row {
      ItemKind trick;
      void (Speaker::*how)();
    };
    static constexpr Row rows[] = {
        // half-open connections say nothing
        {ItemKind::HostileTalk, &Speaker::talk},
        {ItemKind::Garbage, &Speaker::garbage},
        {ItemKind::CutFrame, &Speaker::cut_frame},
        {ItemKind::Oversize, &Speaker::oversize},
        {ItemKind::UnknownKind, &Speaker::unknown_kind},
        {ItemKind::LieAcks, &Speaker::lie_acks},
        {ItemKind::LieReads, &Speaker::lie_reads},
        {ItemKind::LieSends, &Speaker::lie_sends},
        {ItemKind::LieHello, &Speaker::lie_hello},
        {ItemKind::Replay, &Speaker::replay},
        {ItemKind::NoHello, &Speaker::no_hello},
        {ItemKind::SlowRead, &Speaker::slow_read},
        {ItemKind::WrongToken, &Speaker::wrong_token},
        {ItemKind::Guess, &Speaker::guess},
        {ItemKind::Flood, &Speaker::flood},
        {ItemKind::Pings, &Speaker::pings},
    };
    for (const Row& row : rows) {
      if (row.trick == session_.trick) (this->*row.how)();
    }
    return std::move(messages_);
  }

  std::string hello() {
    fill_hello(add());
    return bytes();
  }

 private:
  client::ClientFrame& add() {
    client::ClientFrame& frame = *message_.add_frames();
    frame.set_request_id(++scene_.requests);
    return frame;
  }
  std::string bytes() {
    std::string out = message_.SerializeAsString();
    message_.Clear();
    return out;
  }
  void flush() {
    if (message_.frames_size() > 0) messages_.push_back(bytes());
  }
  std::uint64_t edge() { return edges[dice_.roll(0, edges.size() - 1)]; }
  std::string random_bytes(std::uint64_t size) {
    std::string out;
    while (out.size() < size) out.push_back(static_cast<char>(dice_.roll(0, 255)));
    return out;
  }

  UserId somebody() {
    if (scene_.others.empty()) return scene_.user;
    return scene_.others[dice_.roll(0, scene_.others.size() - 1)];
  }
  // Its own with somebody, mostly an honest one; rarely with itself.
  ConversationId own() { return ConversationId::direct(scene_.user, dice_.chance(50'000) ? scene_.user : somebody()); }
  ConversationId of_others() {
    const UserId one = somebody();
    return ConversationId::direct(one, somebody());
  }
  std::string any_conversation() {
    switch (dice_.roll(0, 5)) {
      case 0: return of_others().str();
      case 1: return random_bytes(16);
      case 2: return random_bytes(dice_.roll(0, 40));
      case 3: return std::string(16, dice_.chance(500'000) ? '\0' : '\xff');
      case 4: {  // the two users in the wrong order
        const std::string right = own().str();
        return right.substr(8) + right.substr(0, 8);
      }
      default: return own().str();
    }
  }

  std::string payload(std::uint64_t size) {
    client::Payload payload;
    payload.set_nonce(random_bytes(bounds::nonce_bytes));
    std::string text = absl::StrCat("hostile ", scene_.index, " text ", ++scene_.texts, " ");
    if (text.size() < size) text.append(static_cast<std::size_t>(size) - text.size(), 'h');
    payload.set_text(text);
    return payload.SerializeAsString();
  }
  // In braces, since arguments that draw are evaluated in an order of the compiler's choice, and these from left to
  // right.
  struct Sent {
    std::string conversation;
    std::uint64_t number;
    std::string content;
  };
  static void fill_send(client::ClientFrame& frame, Sent sent) {
    frame.mutable_send()->set_conversation(sent.conversation);
    frame.mutable_send()->set_outbox_seq(sent.number);
    frame.mutable_send()->set_payload(std::move(sent.content));
  }
  void legal_send(std::uint64_t size) {
    const ConversationId conversation = own();
    fill_send(add(), {conversation.str(), ++scene_.next_outbox_seq[conversation], payload(size)});
  }
  void fill_hello(client::ClientFrame& frame) {
    client::Hello& hello = *frame.mutable_hello();
    hello.set_user(scene_.user.value());
    hello.set_device(static_cast<std::uint32_t>(scene_.device.value()));
    hello.set_secret(scene_.secret);
    hello.set_generation(++scene_.generation);
    hello.set_client("hostile");
  }

  void talk() {
    for (std::uint64_t i = 0; i < 1 + session_.size / 16; ++i) legal_send(dice_.log_roll(1, 300));
    flush();
  }
  void garbage() { messages_.push_back(random_bytes(dice_.log_roll(1, 4'096))); }
  void cut_frame() {
    legal_send(50);
    add().mutable_ping();
    std::string whole = bytes();
    if (dice_.chance(500'000)) {
      whole.resize(static_cast<std::size_t>(dice_.roll(0, whole.size() - 1)));
    } else {
      whole[dice_.roll(0, whole.size() - 1)] ^= static_cast<char>(1U << dice_.roll(0, 7));
    }
    messages_.push_back(std::move(whole));
  }
  void oversize() {
    switch (dice_.roll(0, 3)) {
      case 0: messages_.push_back(random_bytes(16) + std::string(300'000, '\n')); break;
      case 1:
        for (int i = 0; i < 1'100; ++i) add().mutable_ping();
        flush();
        break;
      case 2: fill_send(add(), {own().str(), 1, payload(100'000)}); return flush();
      default: {  // groups within groups, in an unknown field
        std::string deep(200, '\xa3');
        deep.append(200, '\xa4');
        messages_.push_back(std::move(deep));
      }
    }
  }
  void unknown_kind() {
    switch (dice_.roll(0, 2)) {
      case 0: {  // bodies of kinds 20 to 29, which no server knows yet
        std::string frame("\x08\x07", 2);
        const std::string body = random_bytes(dice_.roll(0, 100));
        const std::uint64_t tag = dice_.roll(20, 29) << 3 | 2;
        frame.push_back(static_cast<char>(tag | 0x80));
        frame.push_back(static_cast<char>(tag >> 7));
        frame.push_back(static_cast<char>(body.size()));
        frame += body;
        std::string whole("\x0a", 1);
        whole.push_back(static_cast<char>(frame.size()));
        messages_.push_back(whole + frame);
        break;
      }
      case 1: {  // what only servers say, with codes and reasons that do not exist
        client::ServerMessage message;
        message.add_frames()->mutable_error()->set_code(static_cast<client::Code>(99));
        message.add_frames()->mutable_go_away()->set_reason(static_cast<client::GoAway::Reason>(-7));
        messages_.push_back(message.SerializeAsString());
        break;
      }
      default: add(); return flush();  // a frame without a body
    }
  }
  void lie_acks() {
    if (dice_.chance(300'000)) legal_send(20);
    for (std::uint64_t i = 0; i < 1 + session_.size / 8; ++i) {
      client::Ack& ack = *add().mutable_ack();
      ack.set_conversation(dice_.chance(600'000) ? own().str() : any_conversation());
      ack.set_delivered_seq(dice_.chance(500'000) ? dice_.roll(0, 1'000) : edge());
      ack.set_read_seq(dice_.chance(500'000) ? dice_.roll(0, 1'000) : edge());
      ack.set_history_epoch(static_cast<std::uint32_t>(dice_.chance(700'000) ? 0 : edge()));
    }
    flush();
  }
  void lie_reads() {
    for (std::uint64_t i = 0; i < 1 + session_.size / 8; ++i) {
      client::ClientFrame& frame = add();
      frame.set_deadline_ms(static_cast<std::uint32_t>(edge()));
      switch (dice_.roll(0, 3)) {
        case 0:
          frame.mutable_history()->set_conversation(any_conversation());
          frame.mutable_history()->set_after_seq(edge());
          frame.mutable_history()->set_limit(static_cast<std::uint32_t>(edge()));
          frame.mutable_history()->set_newest(dice_.chance(500'000));
          break;
        case 1:
          frame.mutable_sync()->set_since_version(edge());
          frame.mutable_sync()->set_below_version(edge());
          break;
        case 2: {
          const std::uint64_t count = dice_.roll(0, 80);
          frame.mutable_marks();
          for (std::uint64_t n = 0; n < count; ++n) frame.mutable_marks()->add_conversations(any_conversation());
          break;
        }
        default:
          frame.mutable_lookup()->set_user(edge());
          if (dice_.chance(300'000)) frame.mutable_lookup()->set_handle("a\xc3\xb1o");
      }
    }
    flush();
  }
  void lie_sends() {
    if (session_.size >= 32) return long_ago();
    const ConversationId conversation = own();
    std::uint64_t& next = scene_.next_outbox_seq[conversation];
    for (std::uint64_t i = 0; i < 1 + session_.size / 4; ++i) {
      switch (dice_.roll(0, 5)) {
        case 0: fill_send(add(), {conversation.str(), edge(), payload(20)}); break;
        case 1: fill_send(add(), {conversation.str(), next + dice_.roll(2, 100), payload(20)}); break;
        case 2: fill_send(add(), {conversation.str(), dice_.roll(1, next + 1), payload(20)}); break;
        case 3: fill_send(add(), {any_conversation(), 1, payload(20)}); break;
        case 4: fill_send(add(), {conversation.str(), ++next, random_bytes(dice_.roll(0, 60))}); break;
        default: fill_send(add(), {conversation.str(), ++next, payload(20)});
      }
    }
    flush();
  }
  // Many to itself, and then a number whose answer is forgotten by now.
  void long_ago() {
    const ConversationId conversation = ConversationId::direct(scene_.user, scene_.user);
    std::uint64_t& next = scene_.next_outbox_seq[conversation];
    for (int i = 0; i < 20; ++i) fill_send(add(), {conversation.str(), ++next, payload(10)});
    flush();
    for (int i = 0; i < 3; ++i) fill_send(add(), {conversation.str(), dice_.roll(1, next), payload(10)});
    flush();
  }
  void lie_hello() {
    client::ClientFrame& frame = add();
    fill_hello(frame);
    client::Hello& hello = *frame.mutable_hello();
    switch (dice_.roll(0, 6)) {
      case 0: hello.set_user(somebody().value()); break;
      case 1: hello.set_user(edge()); break;
      case 2: hello.set_device(static_cast<std::uint32_t>(edge())); break;
      case 3: hello.set_secret(random_bytes(dice_.roll(0, 64))); break;
      case 4: hello.set_generation(edge()); break;
      case 5: hello.set_synced_version(edge()); break;
      default: hello.set_client(std::string(dice_.roll(0, 2'000), 'c'));
    }
    if (dice_.chance(300'000)) hello.set_history_epoch(static_cast<std::uint32_t>(edge()));
    flush();
  }
  void replay() {
    for (std::uint64_t i = 0; i < 1 + session_.size / 16 && !scene_.old.empty(); ++i) {
      messages_.push_back(scene_.old[dice_.roll(0, scene_.old.size() - 1)]);
    }
  }
  void no_hello() {
    switch (dice_.roll(0, 3)) {
      case 0:
        add().mutable_ping();
        flush();
        legal_send(20);
        return flush();
      case 1:
        fill_hello(add());
        fill_hello(add());
        return flush();
      case 2:
        fill_hello(add());
        legal_send(20);
        return flush();
      default:
        fill_hello(add());
        flush();
        // What comes behind a frame that ends the session is nobody's, though others could have sent the like.
        for (int i = 0; i < 20; ++i) {
          fill_send(add(), {ConversationId::direct(scene_.user, somebody()).str(), 1, payload(20)});
          flush();
        }
    }
  }
  void slow_read() {
    const ConversationId conversation = ConversationId::direct(scene_.user, scene_.user);
    for (int i = 0; i < 2; ++i) {
      fill_send(add(),
                {conversation.str(), ++scene_.next_outbox_seq[conversation], payload(dice_.roll(5'000, 20'000))});
    }
    flush();
    client::History& history = *add().mutable_history();
    history.set_conversation(conversation.str());
    history.set_limit(200);
    flush();
  }
  void wrong_token() {
    if (dice_.chance(500'000)) {
      add().mutable_logout();
    } else {
      scene_.renewed_secret = random_bytes(bounds::secret_bytes);
      add().mutable_renew_device()->set_secret_hash(std::string(view(blake2b_256(scene_.renewed_secret))));
    }
    add().mutable_ping();
    legal_send(20);
    flush();
  }
  void guess() {
    for (std::uint64_t i = 0; i < 1 + session_.size; ++i) {
      const std::uint64_t near = somebody().value() + dice_.roll(0, 3);
      client::ClientFrame& frame = add();
      switch (dice_.roll(0, 4)) {
        case 0: frame.mutable_lookup()->set_user(near); break;
        case 1: frame.mutable_lookup()->set_handle(absl::StrCat("person.", dice_.roll(0, 200))); break;
        case 2: frame.mutable_history()->set_conversation(of_others().str()); break;
        case 3: frame.mutable_marks()->add_conversations(of_others().str()); break;
        default: fill_send(frame, {of_others().str(), dice_.roll(1, 100), payload(20)});
      }
    }
    flush();
  }
  void flood() {
    for (std::uint64_t i = 0; i < 4 * session_.size; ++i) {
      switch (dice_.roll(0, 3)) {
        case 0: add().mutable_sync(); break;
        case 1: add().mutable_history()->set_conversation(own().str()); break;
        case 2: legal_send(20); break;
        default: add().mutable_ping();
      }
      if (message_.frames_size() >= 100) flush();
    }
    flush();
  }
  void pings() {
    for (std::uint64_t i = 0; i < 1 + session_.size / 4; ++i) {
      add().mutable_ping();
      flush();
    }
  }

  const HostileSession& session_;
  Scene& scene_;
  Dice& dice_;
  client::ClientMessage message_;
  std::vector<std::string> messages_;
};

}  // namespace

bool logs_in(ItemKind trick) {
  return trick != ItemKind::Garbage && trick != ItemKind::LieHello && trick != ItemKind::NoHello &&
         trick != ItemKind::HalfOpen && trick != ItemKind::Oversize;
}

std::string hello_bytes(Scene& scene) {
  const HostileSession session;
  Dice dice(0, Concern::Hostile, 0);
  return Speaker(session, scene, dice).hello();
}

std::vector<std::string> volley(const HostileSession& session, Scene& scene, Dice& dice) {
  return Speaker(session, scene, dice).say();
}

}  // namespace chasqui::sim
