// What a device's journal says of itself, as a fact: what its application has shown, and what waits for an answer.
//
// Read from the records alone, without core/client: so a judge that believes it does not believe the code it judges.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/history.h"

namespace chasqui::sim {

[[nodiscard]] JournalReplaced journal_facts(std::uint32_t device, const std::vector<std::string>& journal);

}  // namespace chasqui::sim
