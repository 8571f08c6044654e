// Records on their way to the device's journal: numbered in the order in which they are handed out, so that whoever
// waits for one to be safe remembers a number and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/client.pb.h"

namespace chasqui::client {

class Journal {
 public:
  // Hands a record out with the next Outputs. It is on disk once is_safe(the number returned).
  std::uint64_t write(const JournalRecord& record);
  [[nodiscard]] bool is_safe(std::uint64_t number) const { return number <= persisted_; }
  [[nodiscard]] bool has_unsafe() const { return persisted_ < written_; }

  // From the owner: so many of all records handed out are synced. Less than it said before, or more than was handed
  // out, changes nothing beyond what can be true.
  void persisted(std::uint64_t count);

  [[nodiscard]] bool has_records() const { return !waiting_.empty(); }
  [[nodiscard]] std::vector<std::string> take();

 private:
  std::vector<std::string> waiting_;  // written, not yet in an Outputs
  std::uint64_t written_ = 0;
  std::uint64_t persisted_ = 0;
};

}  // namespace chasqui::client
