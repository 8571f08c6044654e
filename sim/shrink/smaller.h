// Single steps from a plan to a smaller or plainer one. Each takes a valid plan and gives a valid one, or none if there
// is nothing to change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/plan/plan.h"

namespace chasqui::sim {

// Is the subject of such an item a node? Else it is a device. As the list of kinds says.
[[nodiscard]] bool subject_is_node(ItemKind kind);
// Is its object a node as well?
[[nodiscard]] bool object_is_node(ItemKind kind);

[[nodiscard]] std::optional<Plan> without_items(const Plan& plan, std::size_t from, std::size_t count);
[[nodiscard]] std::optional<Plan> without_kind(const Plan& plan, ItemKind kind);
[[nodiscard]] std::optional<Plan> without_sends_of(const Plan& plan, std::uint32_t device);
// Without what is to happen after `at`; the workload ends at the next whole second.
[[nodiscard]] std::optional<Plan> cut_after(const Plan& plan, Time at);
[[nodiscard]] std::optional<Plan> with_seconds(const Plan& plan, std::uint32_t seconds);
[[nodiscard]] std::optional<Plan> with_nodes(const Plan& plan, std::uint32_t nodes);
[[nodiscard]] std::optional<Plan> with_shards(const Plan& plan, std::uint32_t shards);
// The devices behind it are renumbered, and so are people if it was its person's last one.
[[nodiscard]] std::optional<Plan> without_device(const Plan& plan, std::uint32_t device);
// Everyone knows only those whom they write to.
[[nodiscard]] std::optional<Plan> with_needed_contacts(const Plan& plan);

// Every n-th knob, or limit, or part of the world, made plain; none at those that are.
[[nodiscard]] std::size_t plain_steps();
[[nodiscard]] std::optional<Plan> with_plain(const Plan& plan, std::size_t step);

// Items that wait for a mark have a count for a time: what changes times leaves them alone.
// Times, lengths and sizes of all items, or of one, cut to whole units.
constexpr std::size_t all_items = ~std::size_t{0};
[[nodiscard]] std::optional<Plan> rounded(const Plan& plan, std::size_t item, Time unit);
// The n-th item a whole unit after the one before.
[[nodiscard]] std::optional<Plan> evenly_spaced(const Plan& plan, Time unit);
// All items earlier by as much, so that the first is at `first`.
[[nodiscard]] std::optional<Plan> shifted(const Plan& plan, Time first);
// The size of the item, or of all, least; the length of it 0.
[[nodiscard]] std::optional<Plan> with_least(const Plan& plan, std::size_t item, bool size, bool length);

}  // namespace chasqui::sim
