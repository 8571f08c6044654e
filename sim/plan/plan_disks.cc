#include "sim/plan/plan_disks.h"

#include <algorithm>
#include <array>

#include "sim/draw.h"
#include "sim/plan/windows.h"

namespace chasqui::sim {
namespace {

// Their numbers are the entity of their draws: a new one goes to the end.
enum class Family : std::uint8_t { DiskErrors, Cpu, Clocks, Beyond, Count };
constexpr std::size_t drawn_families = 3;  // Beyond belongs to its class alone

class Draw {
 public:
  Draw(Plan& plan, Family family)
      : plan_(plan), family_(family), dice_(plan.seed, Concern::Disks, 1000 + static_cast<std::uint64_t>(family)) {}

  void fill() {
    const Time gap = static_cast<Time>(dice_.log_roll(1'000, 30'000)) * millisecond;
    Time at = static_cast<Time>(dice_.roll(500, 10'000)) * millisecond;
    if (family_ == Family::Beyond) at += 20 * second;  // a node that says DATA_LOSS at once has not shown much
    draw_windows(plan_, dice_, at, gap, [this](Time start) { return item(start); });
  }

 private:
  // Returns for how long nothing more of the kind should come.
  Time item(Time at) {
    Item item{.at = at};
    const std::uint64_t choice = dice_.roll(0, 99);
    item.length = static_cast<Time>(dice_.log_roll(100, 30'000)) * millisecond;
    item.subject = static_cast<std::uint32_t>(dice_.roll(0, plan_.nodes - 1));
    switch (family_) {
      case Family::DiskErrors:
        item.kind = choice < 60 ? ItemKind::FullDisk : ItemKind::SyncError;
        if (item.kind == ItemKind::FullDisk) item.object = choice < 30 ? 0 : choice < 45 ? 1 : 2;
        break;
      case Family::Cpu:
        item.kind = ItemKind::SlowCpu;
        item.size = dice_.log_roll(2, 50);
        break;
      case Family::Clocks:
        // The near jumps are the older family's.
        item.kind = choice < 60 ? ItemKind::FrozenClock : ItemKind::WallJump;
        if (item.kind == ItemKind::WallJump) item.size = dice_.log_roll(3'600'000, 31'536'000'000);
        break;
      case Family::Beyond:
        item.kind = choice < 30 ? ItemKind::Damage : ItemKind::LostSyncs;
        item.length = std::min(item.length, 10 * second);
        item.object = choice < 80 ? 0 : 1;
        item.size = dice_.log_roll(100, 20'000);
        break;
      case Family::Count: return 0;
    }
    plan_.items.push_back(item);
    return item.length;
  }

  Plan& plan_;
  Family family_;
  Dice dice_;
};

}  // namespace

// The class beyond is drawn only when it is asked for. A node that stands alone has nobody who remembers what it had
// acknowledged: what its disk lost within the second that the tail guard lags behind, or together with the guard (an
// old image), it cannot know, and goes on silently wrong. So I27 is violated there, as it must be, until peers tell a
// replica what it had acknowledged (RELIABILITY.md R3 d); then 5 % of the seeds are to be of this class.
void draw_disks_and_clocks(Plan& plan) {
  Dice dice(plan.seed, Concern::Disks, 1);
  const std::uint64_t only = dice.roll(0, 10);
  std::array<bool, drawn_families> in_swarm{};
  for (bool& on : in_swarm) on = dice.chance(500'000);
  const std::uint64_t drift = dice.log_roll(200, 50'000);
  const bool drifts = dice.chance(500'000);
  switch (plan.plan_class) {
    case PlanClass::Calm:
    case PlanClass::Hostile: return;
    case PlanClass::Single:
      if (only >= drawn_families) return;
      leave_only_sends(plan);
      if (static_cast<Family>(only) == Family::Clocks) plan.knobs.drift_ppm = drift;
      return Draw(plan, static_cast<Family>(only)).fill();
    case PlanClass::Swarm:
      for (std::size_t family = 0; family < drawn_families; ++family) {
        if (in_swarm[family]) Draw(plan, static_cast<Family>(family)).fill();
      }
      if (drifts) plan.knobs.drift_ppm = drift;
      return;
    case PlanClass::Beyond: return Draw(plan, Family::Beyond).fill();
  }
}

}  // namespace chasqui::sim
