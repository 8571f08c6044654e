#include "sim/plan/plan.h"

namespace chasqui::sim {

const char* word(ItemKind kind) {
  switch (kind) {
#define CHASQUI_SIM_ITEM(name, word, meaning) \
  case ItemKind::name: return word;
    CHASQUI_SIM_ITEMS(CHASQUI_SIM_ITEM)
#undef CHASQUI_SIM_ITEM
  }
  return "?";
}

bool is_trick(ItemKind kind) {
#define CHASQUI_SIM_TRICK(name, word, meaning) \
  if (kind == ItemKind::name) return true;
  CHASQUI_SIM_TRICKS(CHASQUI_SIM_TRICK)
#undef CHASQUI_SIM_TRICK
  return false;
}

const char* word(PlanClass plan_class) {
  switch (plan_class) {
    case PlanClass::Calm: return "calm";
    case PlanClass::Single: return "single";
    case PlanClass::Swarm: return "swarm";
    case PlanClass::Hostile: return "hostile";
    case PlanClass::Beyond: return "beyond";
  }
  return "?";
}

}  // namespace chasqui::sim
