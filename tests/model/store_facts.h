// A shard's rows as the same facts that the model tells of itself, so that both can be compared line by line.
#pragma once

#include <string>
#include <vector>

#include "core/testing/mem_store.h"

namespace chasqui::model {

// Sorted. A row that no function of core/base/keys.h can have made, or that does not parse, is a fact of its own.
[[nodiscard]] std::vector<std::string> store_facts(const testing::MemStore::Rows& rows);

// The first lines in which they differ; empty: they do not.
[[nodiscard]] std::string first_difference(const std::vector<std::string>& model,
                                           const std::vector<std::string>& store);

}  // namespace chasqui::model
