#include "sim/invariants/i13_receipts_true.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void ReceiptsTrue::see(Time at, const Fact& fact) {
  if (const auto* joined = std::get_if<DeviceJoined>(&fact)) {
    owners_[joined->device] = joined->user;
  } else if (const auto* seen = std::get_if<EventSeen>(&fact)) {
    Seq& stored = stored_[{owners_[seen->device], seen->conversation}];
    if (seen->seq > stored) stored = seen->seq;
  } else if (const auto* person = std::get_if<ReadByPerson>(&fact)) {
    Seq& read = read_[{owners_[person->device], person->conversation}];
    if (person->seq > read) read = person->seq;
  } else if (const auto* heard = std::get_if<MarksHeard>(&fact)) {
    const Seq stored = stored_[{heard->user, heard->conversation}];
    const Seq read = read_[{heard->user, heard->conversation}];
    const auto describe = [&](const char* why) {
      return absl::StrCat("device ", heard->device, " heard that user ", heard->user.value(), " has ",
                          heard->conversation.hex(), " delivered to ", heard->delivered.value(), " and read to ",
                          heard->read.value(), ": ", why, " (stored ", stored.value(), ", read ", read.value(), ")");
    };
    check(heard->delivered <= stored, at, [&] { return describe("no device of that user has it"); });
    check(heard->read <= read, at, [&] { return describe("the person has not read it"); });
    check(heard->read <= heard->delivered, at, [&] { return describe("read and not delivered"); });
  }
}

}  // namespace chasqui::sim
