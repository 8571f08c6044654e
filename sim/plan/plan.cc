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

const char* word(PlanClass plan_class) {
  switch (plan_class) {
    case PlanClass::Calm: return "calm";
    case PlanClass::Single: return "single";
    case PlanClass::Swarm: return "swarm";
    case PlanClass::Beyond: return "beyond";
  }
  return "?";
}

}  // namespace chasqui::sim
