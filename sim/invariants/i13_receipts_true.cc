#include "sim/invariants/i13_receipts_true.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

bool ReceiptsTrue::says_more(const ConversationId& conversation, UserId user, Seq told, Seq known) const {
  if (told <= known) return false;
  if (model_ == nullptr || !model_->fed()) return !conversation.is_group();  // what they see of a group is not known
  const Seq next = model_->next_for(conversation, user, known);
  return next && next <= told;
}

void ReceiptsTrue::see(Time at, const Fact& fact) {
  if (const auto* joined = std::get_if<DeviceJoined>(&fact)) {
    owners_[joined->device] = joined->user;
  } else if (const auto* seen = std::get_if<EventSeen>(&fact)) {
    Seq& stored = stored_[{owners_[seen->device], seen->conversation}];
    if (seen->seq > stored) stored = seen->seq;
  } else if (const auto* sent = std::get_if<MessageSent>(&fact)) {
    ++sent_[sent->conversation];
  } else if (const auto* wrote = std::get_if<HostileSent>(&fact)) {
    ++sent_[wrote->conversation];
  } else if (const auto* hostile = std::get_if<HostileJoined>(&fact)) {
    hostile_.insert(hostile->user);
  } else if (const auto* left = std::get_if<MarksLeft>(&fact)) {
    const std::uint64_t sent_there = sent_[left->conversation];
    check(left->delivered.value() <= sent_there && left->read.value() <= sent_there, at, [&] {
      return absl::StrCat("node ", left->node, " told that user ", left->user.value(), " has ",
                          left->conversation.hex(), " delivered to ", left->delivered.value(), " and read to ",
                          left->read.value(), ", but only ", sent_there, " were ever sent");
    });
  } else if (const auto* person = std::get_if<ReadByPerson>(&fact)) {
    Seq& read = read_[{owners_[person->device], person->conversation}];
    if (person->seq > read) read = person->seq;
  } else if (const auto* heard = std::get_if<MarksHeard>(&fact)) {
    const Seq* known = stored_.find({heard->user, heard->conversation});
    const Seq stored = known == nullptr ? Seq() : *known;
    known = read_.find({heard->user, heard->conversation});
    const Seq read = known == nullptr ? Seq() : *known;
    const auto describe = [&](const char* why) {
      return absl::StrCat("device ", heard->device, " heard that user ", heard->user.value(), " has ",
                          heard->conversation.hex(), " delivered to ", heard->delivered.value(), " and read to ",
                          heard->read.value(), ": ", why, " (stored ", stored.value(), ", read ", read.value(), ")");
    };
    if (model_ != nullptr && model_->fed() && heard->user != owners_[heard->device]) {
      const Model::Marks told = model_->marks_told(heard->conversation, heard->user);
      check(heard->delivered <= told.delivered && heard->read <= told.read, at, [&] {
        return absl::StrCat(describe("a gate, or that they tell nobody what they read, lets no more through"),
                            ", at most ", told.delivered.value(), " and ", told.read.value());
      });
    }
    // Whoever means harm says what it likes: that no more is told than there is, is judged where it is told.
    if (hostile_.contains(heard->user)) return;
    const auto more = [&](Seq told, Seq than) { return says_more(heard->conversation, heard->user, told, than); };
    check(!more(heard->delivered, stored), at, [&] { return describe("no device of that user has it"); });
    check(!more(heard->read, read), at, [&] { return describe("the person has not read it"); });
    check(heard->read <= heard->delivered, at, [&] { return describe("read and not delivered"); });
  }
}

}  // namespace chasqui::sim
