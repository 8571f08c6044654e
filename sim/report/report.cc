#include "sim/report/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace chasqui::sim {
namespace {

double to_seconds(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

struct Rates {
  double simulated = 0;
  double wall = 0;
  double ratio = 0;
  double events_per_second = 0;
};

Rates rates(const Report& report, std::uint64_t wall_ns) {
  Rates all;
  all.simulated = to_seconds(static_cast<std::uint64_t>(report.simulated));
  all.wall = std::max(1e-6, to_seconds(wall_ns));
  all.ratio = all.simulated / all.wall;
  all.events_per_second = static_cast<double>(report.events) / all.wall;
  return all;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
      continue;
    }
    out.push_back(c);
  }
  return out + "\"";
}

void append_verdict(const Verdict& verdict, std::string& out) {
  absl::StrAppendFormat(&out, "verdict    %s%s%s\n", verdict.text(), verdict.why.empty() ? "" : ": ", verdict.why);
  for (const Violation& violation : verdict.violations) {
    absl::StrAppendFormat(&out, "  I%-2d at %.6f s: %s\n", violation.number,
                          to_seconds(static_cast<std::uint64_t>(violation.at)), violation.what);
  }
}

}  // namespace

std::string history_text(const std::string& path, const HistoryVerdict& history) {
  std::string out = absl::StrCat("history    ", path, "\n");
  if (!history.from.empty()) absl::StrAppend(&out, "from       ", history.from, "\n");
  append_verdict(history.verdict, out);
  absl::StrAppendFormat(&out, "lines      %d: %d devices in %.1f s\n", history.lines, history.devices,
                        to_seconds(static_cast<std::uint64_t>(history.length)));
  absl::StrAppendFormat(&out, "messages   %d sent, %d accepted, %d seen\n", history.sent, history.accepted,
                        history.seen);
  out += "checks    ";
  for (const HistoryVerdict::Checks& check : history.checks) {
    absl::StrAppendFormat(&out, " I%d %d", check.number, check.count);
  }
  return out + "\n";
}

std::string report_text(const Plan& plan, const Report& report, std::uint64_t wall_ns, const std::string& replay) {
  const Rates all = rates(report, wall_ns);
  std::string out;
  absl::StrAppendFormat(&out, "seed %d  class %s  nodes %d  shards %d  people %d  devices %d\n", plan.seed,
                        word(plan.plan_class), plan.nodes, plan.shards, plan.contacts.size(), plan.owners.size());
  append_verdict(report.verdict, out);
  absl::StrAppendFormat(&out, "hash       %s\n", report.hash.hex());
  absl::StrAppendFormat(&out, "simulated  %.1f s in %.2f s of wall time: %.0f times, %.0f events a second\n",
                        all.simulated, all.wall, all.ratio, all.events_per_second);
  absl::StrAppendFormat(&out, "events     %d (%d steps of nodes, %d crashes, %d breaks)\n", report.events, report.steps,
                        report.crashes, report.breaks);
  absl::StrAppendFormat(&out, "messages   %d sent, %d accepted, %d delivered\n", report.sent, report.accepted,
                        report.delivered);
  out += "checks    ";
  for (const Report::Checks& check : report.checks) absl::StrAppendFormat(&out, " I%d %d", check.number, check.count);
  absl::StrAppend(&out, "\nreplay     ", replay, "\n");
  return out;
}

std::string report_json(const Plan& plan, const Report& report, std::uint64_t wall_ns, const std::string& replay) {
  const Rates all = rates(report, wall_ns);
  std::string out;
  absl::StrAppendFormat(
      &out,
      "{\"seed\":%d,\"class\":\"%s\",\"nodes\":%d,\"shards\":%d,\"devices\":%d,\"verdict\":\"%s\",\"hash\":\"%s\","
      "\"simulated_ns\":%d,\"wall_ns\":%d,\"ratio\":%.1f,\"events\":%d,\"steps\":%d,\"events_per_second\":%.0f,"
      "\"sent\":%d,\"accepted\":%d,\"delivered\":%d,\"crashes\":%d,\"breaks\":%d,\"violations\":[",
      plan.seed, word(plan.plan_class), plan.nodes, plan.shards, plan.owners.size(), report.verdict.text(),
      report.hash.hex(), report.simulated, wall_ns, all.ratio, report.events, report.steps, all.events_per_second,
      report.sent, report.accepted, report.delivered, report.crashes, report.breaks);
  bool first = true;
  for (const Violation& violation : report.verdict.violations) {
    absl::StrAppendFormat(&out, "%s{\"invariant\":%d,\"at_ns\":%d,\"what\":%s}", first ? "" : ",", violation.number,
                          violation.at, quoted(violation.what));
    first = false;
  }
  absl::StrAppend(&out, "],\"replay\":", quoted(replay), "}\n");
  return out;
}

}  // namespace chasqui::sim
