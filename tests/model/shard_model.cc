#include "tests/model/shard_model.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/base/text.h"

namespace chasqui::model {
namespace {

Answer refused(client::Code code, std::uint64_t next = 0) {
  return {"refused", static_cast<std::uint64_t>(code), next};
}

bool is_handle(const std::string& handle) {
  return handle.size() >= 3 && handle.size() <= 32 && std::all_of(handle.begin(), handle.end(), [](char c) {
           return (std::isdigit(static_cast<unsigned char>(c)) != 0) || (c >= 'a' && c <= 'z') || c == '_' || c == '.';
         });
}

std::string hex(std::string_view bytes) {
  return absl::BytesToHexString(text(bytes));
}

}  // namespace

std::vector<Answer> ShardModel::apply(const log::Entry& entry) {
  ++index_;
  time_ms_ = std::max(time_ms_, entry.log_time_ms());
  std::vector<Answer> answers;
  for (const log::Command& command : entry.commands()) answers.push_back(run(command));
  if (!owed_now_.empty()) {
    if (feed_.empty()) cursor_ = std::max(cursor_, index_ - 1);  // nothing before this entry is outstanding
    feed_[index_] = std::exchange(owed_now_, {});
  }
  return answers;
}

Answer ShardModel::run(const log::Command& command) {
  if (command.has_create_account()) return create(command.create_account());
  if (command.has_add_device()) return login(command.add_device());
  if (command.has_remove_device()) return logout(command.remove_device());
  if (command.has_renew_device()) return renew(command.renew_device());
  if (command.has_touch_device()) return touch(command.touch_device());
  if (command.has_send()) return send(command.send());
  if (command.has_mark()) return mark(command.mark());
  if (command.has_notify()) return notify(command.notify());
  if (command.has_move_cursor()) return move_cursor(command.move_cursor());
  if (command.has_park()) return park(command.park());
  if (command.has_unpark()) return unpark(command.unpark());
  if (command.has_expire()) return expire(command.expire());
  if (command.has_hide()) return hide(command.hide());
  if (command.has_set_privacy()) return set_privacy(command.set_privacy());
  if (command.has_set_gate()) return set_gate(command.set_gate());
  if (command.has_check_hash()) return {"done"};
  return refused(client::UNIMPLEMENTED);
}

// ------------------------------------------------------------------------------------------- accounts and devices

std::uint32_t ShardModel::add(User& user, const std::string& name, const std::string& secret_hash) const {
  user.devices[++user.last_device] = Device{name, secret_hash, time_ms_, hour()};
  return user.last_device;
}

Answer ShardModel::create(const log::CreateAccount& c) {
  const UserId id(c.user());
  if (!is_handle(c.handle()) || !is_valid(id) || c.credential().size() > 256 || c.secret_hash().size() != 32 ||
      c.device_name().size() > 64) {
    return refused(client::INVALID_ARGUMENT);
  }
  if (const auto taken = handles_.find(c.handle()); taken != handles_.end()) {
    const User& owner = users_.at(taken->second);
    const auto first = owner.devices.find(1);
    const bool retry = first != owner.devices.end() && first->second.secret_hash == c.secret_hash();
    return retry ? Answer{"account", taken->second.value(), 1} : refused(client::ALREADY_EXISTS);
  }
  if (users_.contains(id)) return refused(client::ALREADY_EXISTS);
  handles_[c.handle()] = id;
  User& user = users_[id];
  user.handle = c.handle();
  user.credential = c.credential();
  user.created_ms = time_ms_;
  return {"account", id.value(), add(user, c.device_name(), c.secret_hash())};
}

Answer ShardModel::login(const log::AddDevice& c) {
  if (c.secret_hash().size() != 32 || c.device_name().size() > 64) return refused(client::INVALID_ARGUMENT);
  const auto user = users_.find(UserId(c.user()));
  if (user == users_.end()) return refused(client::NOT_FOUND);
  for (const auto& [id, device] : user->second.devices) {
    if (device.secret_hash == c.secret_hash()) return {"account", c.user(), id};
  }
  if (user->second.devices.size() == 10) return refused(client::RESOURCE_EXHAUSTED);
  return {"account", c.user(), add(user->second, c.device_name(), c.secret_hash())};
}

Answer ShardModel::logout(const log::RemoveDevice& c) {
  const auto user = users_.find(UserId(c.user()));
  if (user == users_.end()) return refused(client::NOT_FOUND);
  user->second.devices.erase(c.device());
  return {"done"};
}

Answer ShardModel::renew(const log::RenewDevice& c) {
  if (c.secret_hash().size() != 32) return refused(client::INVALID_ARGUMENT);
  const auto user = users_.find(UserId(c.user()));
  if (user == users_.end()) return refused(client::NOT_FOUND);
  for (const auto& [id, device] : user->second.devices) {
    if (device.secret_hash == c.secret_hash()) return {"account", c.user(), id};
  }
  const auto old = user->second.devices.find(c.device());
  if (old == user->second.devices.end()) return refused(client::NOT_FOUND);
  const std::string name = old->second.name;
  user->second.devices.erase(old);
  return {"account", c.user(), add(user->second, name, c.secret_hash())};
}

Answer ShardModel::touch(const log::TouchDevice& c) {
  const auto user = users_.find(UserId(c.user()));
  if (user == users_.end()) return {"done"};
  const auto device = user->second.devices.find(c.device());
  if (device != user->second.devices.end()) device->second.seen_ms = std::max(device->second.seen_ms, hour());
  return {"done"};
}

// ------------------------------------------------------------------------------------------------- conversations

std::uint64_t ShardModel::next_number(const ConversationId& conversation, UserId user, std::uint32_t device) const {
  const auto there = conversations_.find(conversation);
  if (there == conversations_.end()) return 1;
  const auto of_user = there->second.senders.find(user);
  if (of_user == there->second.senders.end()) return 1;
  const auto sender = of_user->second.find(device);
  return sender == of_user->second.end() ? 1 : sender->second.numbers.size() + 1;
}

std::int64_t ShardModel::expires_ms(const ConversationId& conversation, std::uint64_t seq) const {
  const auto there = conversations_.find(conversation);
  if (there == conversations_.end() || seq == 0 || seq > there->second.log.size()) return 0;
  return there->second.log[seq - 1].expires_ms;
}

// Of each member 16 devices keep answers; the one whose last answer is the oldest loses its own.
void ShardModel::make_room(std::map<std::uint32_t, Sender>& devices, std::uint32_t but_not) {
  std::vector<std::pair<std::int64_t, std::uint32_t>> remembered;  // by time, then device
  for (const auto& [device, sender] : devices) {
    if (sender.numbers.size() > sender.forgotten) remembered.emplace_back(sender.numbers.back().time_ms, device);
  }
  if (remembered.size() <= 16) return;
  std::erase_if(remembered, [but_not](const auto& one) { return one.second == but_not; });
  Sender& silent = devices.at(std::min_element(remembered.begin(), remembered.end())->second);
  silent.forgotten = silent.numbers.size();
}

void ShardModel::owe(UserId user, const ConversationId& conversation, std::uint64_t head, std::uint64_t read) {
  Marks& marks = owed_now_[{user, conversation}];
  marks.head = std::max(marks.head, head);
  marks.read = std::max(marks.read, read);
}

Answer ShardModel::send(const log::Send& c) {
  const auto id = ConversationId::parse(c.conversation());
  if (!id || c.digest().size() != 32 || c.device() == 0 || c.outbox_seq() == 0) {
    return refused(client::INVALID_ARGUMENT);
  }
  const UserId user(c.sender());
  if (id->is_group() || (user != id->lower() && user != id->higher())) return refused(client::PERMISSION_DENIED);
  const std::uint64_t next = next_number(*id, user, c.device());
  if (c.outbox_seq() > next) return refused(client::OUT_OF_RANGE, next);
  Conversation& conversation = conversations_[*id];  // of a number at or below the next: it is there, or begins now
  Sender& sender = conversation.senders[user][c.device()];
  if (c.outbox_seq() < next) {
    const std::uint64_t window_begin = std::max(sender.forgotten, next - 1 - std::min<std::uint64_t>(next - 1, 64));
    if (c.outbox_seq() <= window_begin) return refused(client::ALREADY_EXISTS, next);
    const Taken& first = sender.numbers[c.outbox_seq() - 1];
    if (first.digest != c.digest()) return refused(client::ALREADY_EXISTS, next);
    if (first.code != 0) return refused(static_cast<client::Code>(first.code), next);
    return {"accepted", first.seq, static_cast<std::uint64_t>(first.time_ms)};
  }
  Taken taken{c.digest(), 0, time_ms_, c.refused() > 16 ? 2 : c.refused()};
  if (taken.code == 0) taken.code = refused_about(conversation, c);
  if (taken.code == 0) {
    Message message{user, c.device(), c.outbox_seq(), time_ms_, c.payload(), c.digest()};
    say_about(conversation, c, message);
    conversation.log.push_back(std::move(message));
    taken.seq = conversation.log.size();
    owe(id->lower(), *id, taken.seq, 0);
    owe(id->higher(), *id, taken.seq, 0);
  }
  sender.numbers.push_back(taken);
  make_room(conversation.senders[user], c.device());
  if (taken.code != 0) return refused(static_cast<client::Code>(taken.code), next + 1);
  return {"accepted", taken.seq, static_cast<std::uint64_t>(time_ms_)};
}

Answer ShardModel::mark(const log::Mark& c) {
  const auto id = ConversationId::parse(c.conversation());
  if (!id) return refused(client::INVALID_ARGUMENT);
  const UserId user(c.user());
  if (id->is_group() || (user != id->lower() && user != id->higher())) return refused(client::PERMISSION_DENIED);
  if (c.history_epoch() > 1) return refused(client::INVALID_ARGUMENT);  // this model's shard was never restored
  const auto conversation = conversations_.find(*id);
  if (conversation == conversations_.end()) return {"marked"};
  Marks& marks = conversation->second.marks[user];
  const std::uint64_t head = conversation->second.log.size();
  const std::uint64_t read = std::min(head, c.read());
  const std::uint64_t delivered = std::min(head, c.delivered());
  if (read > marks.read) owe(user, *id, 0, read);
  marks.read = std::max(marks.read, read);
  marks.delivered = std::max({marks.delivered, delivered, marks.read});
  return {"marked", marks.delivered, marks.read};
}

// --------------------------------------------------------------------------------------------- between the shards

Answer ShardModel::notify(const log::Notify& c) {
  if (c.marks_size() > 1'024) return refused(client::INVALID_ARGUMENT);
  for (const log::IndexMark& told : c.marks()) {
    const auto id = ConversationId::parse(told.conversation());
    const UserId user(told.user());
    const auto there = users_.find(user);
    if (!id || there == users_.end()) continue;
    if (!id->is_group() && user != id->lower() && user != id->higher()) continue;
    const auto known = there->second.index.find(*id);
    Marks marks = known == there->second.index.end() ? Marks() : known->second;
    if (told.head() <= marks.head && told.read() <= marks.read) continue;
    marks.head = std::max(marks.head, told.head());
    marks.read = std::max(marks.read, told.read());
    marks.version = index_;
    there->second.index[*id] = marks;
  }
  return {"done"};
}

Answer ShardModel::move_cursor(const log::MoveCursor& c) {
  const std::uint64_t target = std::min({c.index(), index_ - 1, cursor_ + 4'096});
  cursor_ = std::max(cursor_, target);
  feed_.erase(feed_.begin(), feed_.upper_bound(cursor_));
  return {"done"};
}

Answer ShardModel::park(const log::Park& c) {
  if (c.marks_size() > 1'024) return refused(client::INVALID_ARGUMENT);
  for (const log::IndexMark& owed : c.marks()) {
    const auto id = ConversationId::parse(owed.conversation());
    const UserId user(owed.user());
    if (!id || !is_valid(user) || (owed.head() == 0 && owed.read() == 0)) continue;
    if (!id->is_group() && user != id->lower() && user != id->higher()) continue;
    Marks& marks = parked_[{user, *id}];
    marks.head = std::max(marks.head, owed.head());
    marks.read = std::max(marks.read, owed.read());
  }
  return {"done"};
}

Answer ShardModel::unpark(const log::Unpark& c) {
  if (c.marks_size() > 1'024) return refused(client::INVALID_ARGUMENT);
  for (const log::IndexMark& told : c.marks()) {
    const auto id = ConversationId::parse(told.conversation());
    if (!id) continue;
    const auto row = parked_.find({UserId(told.user()), *id});
    if (row == parked_.end()) continue;
    if (told.head() >= row->second.head && told.read() >= row->second.read) parked_.erase(row);
  }
  return {"done"};
}

// --------------------------------------------------------------------------------------------------------- facts

std::vector<std::string> ShardModel::facts() const {
  std::vector<std::string> facts;
  const auto fact = [&facts](const auto&... parts) { facts.push_back(absl::StrCat(parts...)); };
  fact("applied ", index_, " time ", time_ms_, " cursor ", cursor_);
  for (const auto& [handle, user] : handles_) fact("handle ", handle, " is ", user.value());
  for (const auto& [id, user] : users_) {
    fact("user ", id.value(), " ", user.handle, " ", user.credential, " since ", user.created_ms, ", device ids to ",
         user.last_device, ", seen by ", user.presence);
    for (const auto& [conversation, seqs] : user.hidden) {
      for (const std::uint64_t seq : seqs) fact("hidden ", id.value(), " ", conversation.hex(), " ", seq);
    }
    for (const auto& [number, device] : user.devices) {
      fact("device ", id.value(), "/", number, " ", device.name, " ", hex(device.secret_hash), " since ",
           device.created_ms, ", seen ", device.seen_ms);
    }
    for (const auto& [conversation, marks] : user.index) {
      fact("index ", id.value(), " ", conversation.hex(), " head ", marks.head, " read ", marks.read, " version ",
           marks.version, " hides ", user.hides.contains(conversation) ? user.hides.at(conversation) : 0);
      fact("version ", id.value(), " ", marks.version, " names ", conversation.hex());
    }
  }
  for (const auto& [id, conversation] : conversations_) {
    std::string chain(32, '\0');
    for (std::size_t i = 0; i < conversation.log.size(); ++i) {
      const Message& message = conversation.log[i];
      chain = std::string(view(blake2b_256(chain + message.digest)));
      fact("event ", id.hex(), " ", i + 1, " ", message.user.value(), "/", message.device, " n=", message.number,
           " at ", message.time_ms, " ", hex(message.payload), " ", hex(message.digest), " ",
           (i + 1) % 64 == 0 ? hex(chain) : "", " about ", message.about, "/", message.about_seq, " edits ",
           message.edits.size(), " last ", message.edits.empty() ? 0 : message.edits.back(), " erased ",
           message.erased_by, message.expired ? " expired" : "", " expires ", message.expires_ms, " poll ",
           message.poll_options, "/", message.choices_max);
      const bool is_gone = message.erased_by != 0 || message.expired;
      if (message.expires_ms > 0 && !is_gone && message.about != client::About::EDIT) {
        fact("expiry ", message.expires_ms, " ", id.hex(), " ", i + 1);
      }
    }
    for (const std::uint64_t pin : conversation.pins) fact("pin ", id.hex(), " ", pin);
    if (conversation.timer_s > 0) fact("timer ", id.hex(), " ", conversation.timer_s);
    fact("head ", id.hex(), " ", conversation.log.size(), " ", conversation.log.empty() ? "" : hex(chain));
    for (const auto& [user, marks] : conversation.marks) {
      if (marks.delivered == 0) continue;
      fact("marks ", id.hex(), " ", user.value(), " ", marks.delivered, " ", marks.read);
    }
    for (const auto& [user, devices] : conversation.senders) {
      for (const auto& [device, sender] : devices) {
        fact("sender ", id.hex(), " ", user.value(), "/", device, " took ", sender.numbers.size());
      }
    }
  }
  for (const auto& [index, owed] : feed_) {
    for (const auto& [to, marks] : owed) {
      fact("feed ", index, " ", to.first.value(), " ", to.second.hex(), " head ", marks.head, " read ", marks.read);
    }
  }
  for (const auto& [to, marks] : parked_) {
    fact("parked ", to.first.value(), " ", to.second.hex(), " head ", marks.head, " read ", marks.read);
  }
  std::sort(facts.begin(), facts.end());
  return facts;
}

}  // namespace chasqui::model
