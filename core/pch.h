// What most of core's files read, precompiled (cmake/chasqui.cmake). A convenience of the build: every file still
// includes what it uses, and the builds by clang go without this.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/client.pb.h"
#include "proto/log.pb.h"
#include "proto/peer.pb.h"
#include "proto/state.pb.h"
