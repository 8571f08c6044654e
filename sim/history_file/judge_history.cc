#include "sim/history_file/judge_history.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {
namespace {

// The device whose fact it is; none: it is nobody's.
template <class Known>
std::optional<std::uint32_t> device_of(const Known& fact) {
  if constexpr (requires { fact.device; }) return fact.device;
  return std::nullopt;
}

}  // namespace

absl::Status HistoryJudge::take(std::string_view line) {
  ++told_.lines;
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return absl::OkStatus();
  auto parsed = parse_history_line(line);
  const absl::Status status = parsed.ok() ? take(*std::move(parsed)) : parsed.status();
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat("line ", told_.lines, ": ", status.message()));
}

absl::Status HistoryJudge::take(HistoryLine line) {
  if (const auto* head = std::get_if<HistoryHead>(&line.said)) {
    if (judge_) return absl::InvalidArgumentError("a second head: one file is one history");
    judge_.emplace(head->settle_bound, std::vector<int>(), Sight::Devices);
    told_.from = head->from;
    return absl::OkStatus();
  }
  if (!judge_) return absl::InvalidArgumentError("the first line must be a head: {\"what\":\"history\",...}");
  if (ending_) return absl::InvalidArgumentError("it stands behind the end");
  if (line.at < now_) {
    return absl::InvalidArgumentError(absl::StrCat("time goes back from ", now_, " to ", line.at, " ns"));
  }
  now_ = line.at;
  if (const auto* ending = std::get_if<Ending>(&line.said)) {
    ending_ = *ending;
    return absl::OkStatus();
  }
  const Fact& fact = std::get<Fact>(line.said);
  if (const auto* joined = std::get_if<DeviceJoined>(&fact)) joined_.insert(joined->device);
  const auto device = std::visit([](const auto& known) { return device_of(known); }, fact);
  if (device && !joined_.contains(*device)) {
    return absl::InvalidArgumentError(absl::StrCat("device ", *device, " has not joined"));
  }
  if (std::holds_alternative<MessageSent>(fact)) ++told_.sent;
  if (std::holds_alternative<EventSeen>(fact)) ++told_.seen;
  judge_->see(now_, fact);
  return absl::OkStatus();
}

HistoryVerdict HistoryJudge::finish() {
  told_.devices = joined_.size();
  told_.length = now_;
  if (!judge_) {
    told_.verdict.outcome = Outcome::Undecided;
    return std::move(told_);
  }
  told_.verdict = judge_->finish(now_, ending_.value_or(Ending::Stopped));
  told_.accepted = judge_->accepted();
  for (const auto& invariant : judge_->invariants()) {
    if (invariant->tapped() && invariant->checks() == 0) continue;
    told_.checks.push_back({invariant->number(), invariant->checks()});
  }
  return std::move(told_);
}

}  // namespace chasqui::sim
