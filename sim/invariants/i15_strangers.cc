#include "sim/invariants/i15_strangers.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "sim/invariants/i05_one_answer.h"

namespace chasqui::sim {

void Strangers::see(Time at, const Fact& fact) {
  const auto* left = std::get_if<AnswerLeft>(&fact);
  if (left == nullptr || !left->key.conversation.is_group()) return;
  // What says no more than "later" is said to everybody; what is malformed is refused before anything is looked at.
  const bool is_about_it =
      is_final(left->code) || left->code == client::OUT_OF_RANGE || left->code == client::ALREADY_EXISTS;
  if (!is_about_it || left->code == client::INVALID_ARGUMENT || left->code == client::UNIMPLEMENTED) return;
  // Who shows a link that works, or makes the group, may hear which number is his next.
  if (left->asks_in && left->code == client::OUT_OF_RANGE) return;
  if (!model_.is_stranger(left->key.conversation, left->key.sender, left->key.device)) return;
  const std::string heard = absl::StrCat(static_cast<int>(left->code), " ",
                                         absl::StrReplaceAll(left->why, {{left->key.conversation.hex(), "(group)"}}));
  if (words_.empty()) words_ = heard;
  check(heard == words_, at, [&] {
    return absl::StrCat("node ", left->node, " answered user ", left->key.sender.value(), ", a stranger to ",
                        left->key.conversation.hex(), ", '", heard, "', and another one '", words_, "'");
  });
}

}  // namespace chasqui::sim
