// Random commands that mean something: few people, few words, and outbox numbers near the ones that come next, so that
// retries, gaps, windows and limits all happen.
#pragma once

#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "core/base/ids.h"
#include "proto/log.pb.h"
#include "tests/model/shard_model.h"

namespace chasqui::model {

// What rapidcheck draws and shrinks: six bytes for each operation, of which the first says what it is.
using Draw = std::array<std::uint8_t, 6>;

// Logs of up to a hundred operations, each drawn from its whole range however short the log is.
[[nodiscard]] rc::Gen<std::vector<Draw>> any_draws();

class CommandMaker {
 public:
  // `model` says which number comes next; it has seen all entries but the one being made.
  explicit CommandMaker(const ShardModel& model) : model_(model) {}

  // Mostly one command, sometimes a burst. Call clear() when the entry made of them has been applied.
  [[nodiscard]] std::vector<log::Command> make(const Draw& draw);
  void clear() { ahead_.clear(); }

 private:
  using Numbers = std::array<std::uint32_t, 6>;  // a draw, wide enough to reckon with

  [[nodiscard]] log::Command send(const ConversationId& conversation, UserId user, std::uint32_t device,
                                  const Numbers& draw);
  static void say_something(const Numbers& draw, log::Send& body);
  template <class Body>
  static void add_marks(const Numbers& draw, Body& body);
  [[nodiscard]] static log::Command account_command(const Numbers& draw);

  const ShardModel& model_;
  // How many numbers the entry being made has taken already, as far as it is known.
  std::map<std::tuple<ConversationId, UserId, std::uint32_t>, std::uint64_t> ahead_;
};

}  // namespace chasqui::model
