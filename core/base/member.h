// One node of the cluster, and what it dies together with.
#pragma once

#include <compare>
#include <cstdint>

#include "core/base/ids.h"

namespace chasqui {

struct Member {
  NodeId node;
  std::uint64_t domain = 0;  // failure domain: nodes of one process share it
  friend auto operator<=>(const Member&, const Member&) = default;
};

}  // namespace chasqui
