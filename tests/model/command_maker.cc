#include "tests/model/command_maker.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"

namespace chasqui::model {
namespace {

constexpr std::uint64_t people = 4;
constexpr const char* names[people] = {"ana", "beto", "carla", "dora"};

UserId person(std::uint32_t draw) {
  return UserId(1 + draw % people);
}

std::string hash_of(const std::string& word) {
  return std::string(view(blake2b_256(word)));
}

// One in 32 is no good secret's hash.
std::string secret(std::uint32_t draw) {
  return draw % 32 == 31 ? "short" : hash_of(absl::StrCat(draw % 14));
}

// Mostly a pair with `user` in it, sometimes others', a group, or no conversation at all.
std::string conversation_bytes(UserId user, std::uint32_t draw) {
  if (draw >= 250) return "nonsense";
  if (draw >= 246) return "\x80" + std::string(15, 'g');
  if (draw >= 236) return ConversationId::direct(person(draw), person(draw / 4)).str();
  if (draw < 128)
    return ConversationId::direct(user, UserId(user == UserId(1) ? 2 : 1)).str();  // so that some are busy
  return ConversationId::direct(user, person(draw)).str();
}

}  // namespace

rc::Gen<std::vector<Draw>> any_draws() {
  return rc::gen::container<std::vector<Draw>>(rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<Draw>()));
}

log::Command CommandMaker::account_command(const Numbers& draw) {
  log::Command command;
  switch (draw[0] % 8) {
    case 0:
    case 1:
    case 2: {
      auto& body = *command.mutable_create_account();
      body.set_handle(draw[2] % 32 == 31 ? "No!" : names[draw[1] % people]);
      // Mostly everyone's own id, sometimes another's or none.
      body.set_user(draw[2] % 16 == 15 ? draw[3] % 6 : 1 + draw[1] % people);
      body.set_credential(absl::StrCat("credential ", draw[3] % 2));
      body.set_device_name(draw[4] % 32 == 31 ? std::string(65, 'n') : "phone");
      body.set_secret_hash(secret(draw[5] % 32 == 31 ? 31 : draw[5] % 2));
      break;
    }
    case 3:
    case 4: {
      auto& body = *command.mutable_add_device();
      body.set_user(draw[1] % 5);
      body.set_device_name(absl::StrCat("laptop ", draw[4] % 2));
      body.set_secret_hash(secret(draw[5]));
      break;
    }
    case 5: {
      auto& body = *command.mutable_remove_device();
      body.set_user(draw[1] % 5);
      body.set_device(draw[2] % 12);
      break;
    }
    case 6: {
      auto& body = *command.mutable_renew_device();
      body.set_user(draw[1] % 5);
      body.set_device(draw[2] % 12);
      body.set_secret_hash(secret(draw[5]));
      break;
    }
    default: {
      auto& body = *command.mutable_touch_device();
      body.set_user(draw[1] % 5);
      body.set_device(draw[2] % 12);
    }
  }
  return command;
}

log::Command CommandMaker::send(const ConversationId& conversation, UserId user, std::uint32_t device,
                                const Numbers& draw) {
  std::uint64_t& ahead = ahead_[{conversation, user, device}];
  const std::uint64_t next = model_.next_number(conversation, user, device) + ahead;
  std::uint64_t number = next;
  switch (draw[4] % 8) {
    case 5: number = next - 1; break;                                            // a retry; 0 if there was none
    case 6: number = next - std::min<std::uint64_t>(next, draw[5] % 70); break;  // an old one
    case 7: number = next + draw[5] % 3; break;                                  // perhaps a gap
    default: break;
  }
  if (number == next) ++ahead;
  // What is said under a number is always the same, but for one in 8.
  const std::string payload = absl::StrCat(user.value(), "/", device, " #", number, draw[5] % 8 == 7 ? "!" : "");
  log::Command command;
  auto& body = *command.mutable_send();
  body.set_conversation(conversation.str());
  body.set_sender(user.value());
  body.set_device(device);
  body.set_outbox_seq(number);
  body.set_digest(hash_of(payload));
  if (draw[5] % 16 == 14) {
    body.set_refused(draw[3] % 20);  // among them codes that nobody knows
  }
  if (body.refused() == 0) body.set_payload(payload);
  say_something(draw, body);
  return command;
}

// In half of the sends: about an earlier event, mostly one that is there; a poll, a vote, a timer.
void CommandMaker::say_something(const Numbers& draw, log::Send& body) {
  const std::uint32_t what = draw[1] / 4 % 16;
  if (draw[0] % 2 == 0 || what > 12) return;
  if (what == 9 || what == 10) {
    body.set_poll_options(2 + draw[2] % 3);
    body.set_poll_choices_max(1 + draw[3] % 2);
  } else if (what > 10) {
    body.set_timer_s(draw[2] % 4 * 40);
  } else {
    body.set_about_kind(what);  // 8: of a kind that is not known
    body.set_about_seq(draw[3] % 12);
    body.set_votes(draw[4] % 4);
    body.set_vote_highest(draw[5] % 4);
  }
}

// Of a notify, a park or an unpark: few pairs, so that they meet.
template <class Body>
void CommandMaker::add_marks(const Numbers& draw, Body& body) {
  for (std::uint32_t i = 0; i <= draw[5] % 4; ++i) {
    auto& mark = *body.add_marks();
    mark.set_user((draw[1] + i) % 6);  // 0 and 5 are nobody
    mark.set_conversation(conversation_bytes(person(draw[1] + i + 3), (draw[2] + 7 * i) % 256));
    mark.set_head(draw[3] % 16);
    mark.set_read(draw[4] % 4);
  }
}

std::vector<log::Command> CommandMaker::make(const Draw& drawn) {
  Numbers draw;
  std::copy(drawn.begin(), drawn.end(), draw.begin());
  const std::uint32_t what = draw[0];
  const UserId user = person(draw[1]);
  log::Command command;
  if (what < 8) {
    auto& body = *command.mutable_hide();
    body.set_user(draw[1] % 5);
    body.set_conversation(conversation_bytes(user, draw[2]));
    body.set_first_seq(draw[3] % 16);
    body.set_last_seq(draw[3] % 16 + draw[4] % 4 - draw[5] / 64 % 2);
    return {command};
  }
  if (what < 16) {
    for (std::uint64_t seq = 1; seq <= 8; ++seq) {
      if (draw[3] >> (seq - 1) % 8 % 2 == 0) continue;
      log::DueEvent& due = *command.mutable_expire()->add_events();
      const auto conversation = ConversationId::parse(conversation_bytes(user, draw[2]));
      due.set_conversation(conversation_bytes(user, draw[2]));
      due.set_seq(seq);
      due.set_expires_ms(conversation && draw[4] % 8 != 7 ? model_.expires_ms(*conversation, seq) : draw[5] * 1'000);
    }
    if (command.has_expire()) return {command};
    command.mutable_set_privacy()->set_user(draw[1] % 5);
    if (draw[2] % 4 != 3) command.mutable_set_privacy()->set_presence(draw[3] % 4);
    return {command};
  }
  if (what < 72) return {account_command(draw)};
  if (what < 168) {
    const std::string bytes = conversation_bytes(user, draw[2]);
    const auto conversation = ConversationId::parse(bytes);
    const std::uint32_t device = draw[3] % 32 == 31 ? 0 : draw[3] % 4 == 3 ? 2 : 1;
    if (!conversation) {
      command.mutable_send()->set_conversation(bytes);
      return {command};
    }
    if (what < 160) return {send(*conversation, user, device, draw)};
    std::vector<log::Command> burst;  // past the window of a device, or past the number of devices that keep one
    const bool of_many_devices = what % 2 == 0;
    for (std::uint32_t i = 0; i < (of_many_devices ? 18U : 70U); ++i) {
      burst.push_back(send(*conversation, user, of_many_devices ? 1 + i : device, {0, 0, 0, 0, 0, 0}));
    }
    return burst;
  }
  if (what < 204) {
    auto& body = *command.mutable_mark();
    body.set_conversation(conversation_bytes(user, draw[2]));
    body.set_user(user.value());
    body.set_delivered(draw[3] % 16);
    body.set_read(draw[4] % 2 == 0 ? draw[4] % 16 : 0);
    body.set_history_epoch(draw[5] % 16 == 15 ? 2 : draw[5] % 2);
  } else if (what < 226) {
    add_marks(draw, *command.mutable_notify());
  } else if (what < 234) {
    add_marks(draw, *command.mutable_park());
  } else if (what < 240) {
    add_marks(draw, *command.mutable_unpark());
  } else if (what < 252) {
    const std::uint64_t index = model_.index();
    command.mutable_move_cursor()->set_index(draw[1] % 4 == 3 ? index + draw[2] % 4 : index - index * draw[2] / 512);
  }
  return {command};  // of what is left: a command without a body
}

}  // namespace chasqui::model
