// I14. No path gives content outside the member's intervals: neither what a node tells a session (push, head, history,
// sync), be its user honest or not, nor what an application is shown. Nor what is withheld from him: and nothing that
// was sent after somebody heard that it is in force that he blocks the sender is ever shown to him.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class Membership : public Invariant {
 public:
  explicit Membership(const Model& model) : Invariant(14, "membership"), model_(model) {}
  void see(Time at, const Fact& fact) override;
  // Most runs have no group.
  [[nodiscard]] bool needed() const override { return false; }

 private:
  using Pair = std::pair<UserId, UserId>;                  // who says something, of whom
  using Number = std::pair<std::uint32_t, std::uint64_t>;  // a device's, of a request or a message
  struct Asked {
    Pair pair;
    bool blocks = false;
    bool is_certain = false;   // nothing else was under way
    std::uint64_t others = 0;  // that many were asked that do not block
  };
  struct Gate {
    bool in_force = false;
    std::set<Number> under_way;  // that do not block
    std::uint64_t others = 0;
    std::map<std::pair<std::uint32_t, std::uint64_t>, std::string> sent;  // meanwhile, and not accepted yet
    std::set<std::string> accepted;                                       // likewise
  };
  void see_gate(const GateAsked& asked);
  void see_gate(const GateHeard& heard);
  void see_sent(const MessageSent& sent);
  void see_accepted(const AcceptedHeard& accepted);
  [[nodiscard]] bool is_withheld(const EventSeen& seen, UserId reader) const;

  const Model& model_;
  HashIndex<std::uint32_t, UserId> owners_;
  std::map<Number, Asked> asked_;
  std::map<Pair, Gate> gates_;
};

}  // namespace chasqui::sim
