#include "core/client/journal.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace chasqui::client {

std::uint64_t Journal::write(const JournalRecord& record) {
  CHASQUI_ASSERT(record.body_case() != JournalRecord::BODY_NOT_SET, "a journal record says something");
  waiting_.push_back(record.SerializeAsString());
  return ++written_;
}

void Journal::persisted(std::uint64_t count) {
  const std::uint64_t handed_out = written_ - waiting_.size();
  persisted_ = std::max(persisted_, std::min(count, handed_out));
}

std::vector<std::string> Journal::take() {
  return std::exchange(waiting_, {});
}

}  // namespace chasqui::client
