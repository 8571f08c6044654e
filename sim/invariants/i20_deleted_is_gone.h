// I20. What was deleted, or was to disappear, is gone: at the end no node has any of its bytes among its rows, and no
// device that knows of it in its journal.
//
// Each payload has a nonce of 16 bytes, so a search finds it wherever it stands.
#pragma once

#include "absl/strings/str_cat.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class DeletedIsGone : public Invariant {
 public:
  DeletedIsGone() : Invariant(20, "deleted is gone") {}
  void see(Time at, const Fact& fact) override {
    const auto* searched = std::get_if<DiskSearched>(&fact);
    if (searched == nullptr || searched->erased == 0) return;
    check(searched->found.empty(), at, [&] {
      const auto& [conversation, seq] = searched->found.front();
      const bool is_node = !searched->device.has_value();
      return absl::StrCat(is_node ? "node " : "device ", is_node ? searched->node : *searched->device,
                          " still has the payload of ", conversation.hex(), " seq ", seq.value(),
                          ", which was erased, and of ", searched->found.size() - 1, " more");
    });
  }
  [[nodiscard]] bool needed() const override { return false; }  // where nobody deletes
  [[nodiscard]] bool tapped() const override { return true; }
};

}  // namespace chasqui::sim
