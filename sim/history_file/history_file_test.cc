// A history read from its file is judged as the run was, and a file that is wrong says where and why.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/history_file/json_fields.h"
#include "sim/history_file/judge_history.h"
#include "sim/plan/plan_draw.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

using Counts = std::vector<std::pair<int, std::uint64_t>>;

// A run, its history as lines, and what a judge that was given the same facts without a file says.
struct Recorded {
  Report report;
  std::vector<std::string> lines;
  Counts checks;
};

Recorded record(const Plan& plan, Lie lie, bool devices_judge) {
  Recorded all;
  Judge beside(settle_bound_of(plan), {}, Sight::Devices);
  all.lines.push_back(head_line({settle_bound_of(plan), "a test"}));
  WorldOptions options;
  options.lie = lie;
  options.devices_judge = devices_judge;
  options.on_fact = [&](Time at, const Fact& fact) {
    std::string line = fact_line(at, fact);
    if (line.empty()) return;
    beside.see(at, fact);
    all.lines.push_back(std::move(line));
  };
  all.report = World(plan, options).run();
  all.lines.push_back(end_line(all.report.simulated, all.report.ending));
  (void)beside.finish(all.report.simulated, all.report.ending);
  for (const auto& invariant : beside.invariants()) {
    if (invariant->checks() > 0) all.checks.emplace_back(invariant->number(), invariant->checks());
  }
  return all;
}

Recorded record(std::uint64_t seed, Lie lie = Lie::None) {
  const bool devices_judge = lie != Lie::None;  // else a tap may notice first, and the run stops
  return record(draw_plan(seed, {.devices = 10, .seconds = 20}), lie, devices_judge);
}

HistoryVerdict judged(const std::vector<std::string>& lines) {
  HistoryJudge judge;
  for (const std::string& line : lines) {
    const absl::Status status = judge.take(line);
    EXPECT_TRUE(status.ok()) << status << "\n" << line;
  }
  return judge.finish();
}

Counts counts(const HistoryVerdict& verdict) {
  Counts all;
  for (const auto& check : verdict.checks) {
    if (check.count > 0) all.emplace_back(check.number, check.count);
  }
  return all;
}

TEST(HistoryFile, thirty_runs_judged_from_their_files_get_the_verdict_of_the_run) {
  std::uint64_t passed = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Recorded run = record(seed);
    const HistoryVerdict verdict = judged(run.lines);
    EXPECT_EQ(verdict.verdict.text(), run.report.verdict.text()) << "seed " << seed;
    EXPECT_EQ(counts(verdict), run.checks) << "seed " << seed;
    EXPECT_EQ(verdict.accepted, run.report.accepted);
    EXPECT_EQ(verdict.seen, run.report.delivered);
    // Invariants that read nothing but what devices saw compare as often in the run itself.
    for (const Report::Checks& check : run.report.checks) {
      for (const int number : {2, 6, 23}) {
        if (check.number != number) continue;
        const auto it = std::find(run.checks.begin(), run.checks.end(), std::pair(number, check.count));
        EXPECT_TRUE(it != run.checks.end() || check.count == 0) << "I" << number << " in seed " << seed;
      }
    }
    if (verdict.verdict.outcome == Outcome::Ok) ++passed;
  }
  EXPECT_GT(passed, 20U);
}

// Of the lies that a device can see: the file tells what the run told, word for word.
void expect_told(Lie lie) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Recorded run = record(seed, lie);
    if (run.report.verdict.outcome != Outcome::Violated) continue;
    const HistoryVerdict verdict = judged(run.lines);
    EXPECT_EQ(verdict.verdict.text(), run.report.verdict.text());
    ASSERT_FALSE(verdict.verdict.violations.empty());
    EXPECT_EQ(verdict.verdict.violations.front().what, run.report.verdict.violations.front().what);
    EXPECT_EQ(verdict.verdict.violations.front().at, run.report.verdict.violations.front().at);
    return;
  }
  FAIL() << "60 seeds, and nobody noticed";
}
TEST(HistoryFile, a_log_that_forgot_is_seen_in_the_file) {
  expect_told(Lie::LoseAckedLog);
}
TEST(HistoryFile, an_append_acknowledged_too_early_is_seen_in_the_file) {
  expect_told(Lie::EarlyAck);
}
TEST(HistoryFile, an_altered_push_is_seen_in_the_file) {
  expect_told(Lie::AlterPush);
}
TEST(HistoryFile, an_altered_answer_is_seen_in_the_file) {
  expect_told(Lie::AlterAnswer);
}
TEST(HistoryFile, a_phone_that_forgot_is_seen_in_the_file) {
  expect_told(Lie::PhoneForgets);
}
TEST(HistoryFile, a_double_sight_is_seen_in_the_file) {
  expect_told(Lie::DoubleSight);
}

// --------------------------------------------------------------------------------------------------- files of
// strangers

const std::string head = head_line({second, "a test"});
const std::string joined = R"({"t_ns":1,"what":"joined","device":0,"user":"000000000000000a","id":1})";

std::string refusal(const std::vector<std::string>& lines) {
  HistoryJudge judge;
  for (const std::string& line : lines) {
    const absl::Status status = judge.take(line);
    if (!status.ok()) return std::string(status.message());
  }
  return "taken";
}

TEST(HistoryFile, what_is_wrong_is_said_with_its_line) {
  EXPECT_EQ(refusal({joined}), "line 1: the first line must be a head: {\"what\":\"history\",...}");
  EXPECT_EQ(refusal({head, head}), "line 2: a second head: one file is one history");
  EXPECT_EQ(refusal({R"({"what":"history","format":2,"settle_ns":1,"from":""})"}),
            "line 1: \"format\" is 2: this program reads 1");
  EXPECT_EQ(refusal({head, "hola"}), "line 2: column 1: a line is one JSON object");
  EXPECT_EQ(refusal({head, "", R"({"t_ns":1,"what":"sung"})"}), "line 3: \"what\": 'sung' is no line of a history");
  EXPECT_EQ(refusal({head, R"({"t_ns":1,"what":"settled","mood":"good"})"}), "line 2: \"mood\" does not belong here");
  EXPECT_EQ(refusal({head, R"({"t_ns":1,"what":"asked","device":0})"}), "line 2: \"request\" is missing");
  EXPECT_EQ(refusal({head, R"({"t_ns":1,"what":"disconnected","device":4294967296})"}),
            "line 2: \"device\" is 4294967296 of at most 4294967295");
  EXPECT_EQ(refusal({head, R"({"t_ns":1,"what":"disconnected","device":0})"}), "line 2: device 0 has not joined");
  EXPECT_EQ(refusal({head, joined, R"({"t_ns":0,"what":"settled"})"}), "line 3: time goes back from 1 to 0 ns");
  EXPECT_EQ(refusal({head, R"({"t_ns":0,"what":"end","ending":"over"})", joined}), "line 3: it stands behind the end");
  EXPECT_EQ(refusal({head, R"({"t_ns":0,"what":"end","ending":"soon"})"}),
            "line 2: \"ending\": 'soon' is none of over, stuck, stopped");
  EXPECT_EQ(refusal({head, R"({"t_ns":1,"what":"joined","device":0,"user":"A","id":1})"}),
            "line 2: \"user\": 'A' is no user's id of 16 lower-case hex digits");
  EXPECT_EQ(refusal({head, joined, R"({"t_ns":1,"what":"read","device":0,"conversation":"00","seq":1})"}),
            "line 3: \"conversation\": '00' is no conversation's id of 32 lower-case hex digits");
}

TEST(HistoryFile, a_history_that_nobody_ended_is_undecided) {
  EXPECT_EQ(judged({head, joined}).verdict.text(), "undecided");
  EXPECT_EQ(judged({}).verdict.text(), "undecided");
  EXPECT_EQ(judged({head, joined, end_line(2, Ending::Stopped)}).verdict.text(), "undecided");
  EXPECT_EQ(judged({head, joined, end_line(2, Ending::Stuck)}).verdict.text(), "stuck");
  EXPECT_EQ(judged({head, joined, end_line(2, Ending::Over)}).verdict.text(), "vacuous");
}

TEST(HistoryFile, a_node_that_said_that_it_lost_data_comes_back_as_it_was) {
  for (const std::vector<std::uint32_t>& devices : {std::vector<std::uint32_t>{}, {3}, {0, 7, 4294967295}}) {
    const auto line = parse_history_line(fact_line(5, NodeRefused{2, "shard 1: a bad record", devices}));
    ASSERT_TRUE(line.ok()) << line.status();
    const auto& refused = std::get<NodeRefused>(std::get<Fact>(line->said));
    EXPECT_EQ(refused.node, 2U);
    EXPECT_EQ(refused.why, "shard 1: a bad record");
    EXPECT_EQ(refused.devices, devices);
  }
  EXPECT_EQ(refusal({head, R"({"t_ns":1,"what":"data_loss","node":0,"why":"x","devices":[4294967296]})"}),
            "line 2: \"devices\" has 4294967296 of at most 4294967295");
  EXPECT_EQ(refusal({head, R"({"t_ns":1,"what":"data_loss","node":0,"why":"x","devices":[["a",1]]})"}),
            "line 2: \"devices\" must be a list of whole numbers");
}

// Beyond what disks promise: what the run's judges let off, the file's let off too.
TEST(HistoryFile, runs_whose_nodes_refused_to_serve_are_judged_alike_from_their_files) {
  std::uint64_t refused = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Recorded run =
        record(draw_plan(seed, {.devices = 10, .seconds = 30, .plan_class = PlanClass::Beyond}), Lie::None, true);
    const HistoryVerdict verdict = judged(run.lines);
    EXPECT_EQ(verdict.verdict.text(), run.report.verdict.text()) << "seed " << seed;
    EXPECT_EQ(counts(verdict), run.checks) << "seed " << seed;
    refused +=
        static_cast<std::uint64_t>(std::count_if(run.lines.begin(), run.lines.end(), [](const std::string& line) {
          return line.find("\"data_loss\"") != std::string::npos;
        }));
  }
  EXPECT_GT(refused, 10U);
}

TEST(HistoryFile, every_text_comes_back_as_it_was) {
  std::string text = "\"quoted\" \\ back / \xc3\xa1 \xf0\x9f\x98\x80";
  for (char c = 1; c < 0x20; ++c) text.push_back(c);
  const auto line = parse_history_line(
      fact_line(5, MessageSent{3, ConversationId::direct(UserId(1), UserId(2)), OutboxSeq(4), text}));
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(std::get<MessageSent>(std::get<Fact>(line->said)).text, text);
  EXPECT_EQ(line->at, 5);
}

std::string parse_error(std::string_view line) {
  JsonFields fields(line);
  return fields.error();
}
TEST(JsonFields, what_other_programs_write_is_read) {
  JsonFields fields(
      R"( { "a" : "\u00e1\ud83d\ude00\n" , "n":18446744073709551615, "t": true,"p":[ ["x", 1],["y",2 , "z"] ],)"
      R"("l":[ 7 ,18446744073709551615] , "e":[ ]})");
  EXPECT_EQ(fields.text("a"), "\xc3\xa1\xf0\x9f\x98\x80\n");
  EXPECT_EQ(fields.number("n"), 18446744073709551615U);
  EXPECT_TRUE(fields.truth("t"));
  EXPECT_EQ(fields.rows("p"), (JsonFields::Rows{{"x", 1}, {"y", 2, "z"}}));
  EXPECT_EQ(fields.numbers("l"), (JsonFields::Numbers{7, 18446744073709551615U}));
  EXPECT_EQ(fields.numbers("e"), JsonFields::Numbers{});
  fields.finish();
  EXPECT_EQ(fields.error(), "");
}
TEST(JsonFields, what_is_no_such_object_is_refused) {
  for (const char* line : {"",
                           "{",
                           "[]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1",
                           "{\"a\":1,}",
                           "{\"a\":1}x",
                           "{\"a\":-1}",
                           "{\"a\":1.5}",
                           "{\"a\":1e3}",
                           "{\"a\":18446744073709551616}",
                           "{\"a\":null}",
                           "{\"a\":{}}",
                           "{\"a\":[1,]}",
                           "{\"a\":[1.5]}",
                           "{\"a\":[1,[\"x\",1]]}",
                           "{\"a\":[[\"x\"]]}",
                           "{\"a\":\"x}",
                           "{\"a\":\"\\q\"}",
                           "{\"a\":\"\\ud800\"}",
                           "{\"a\":\"\\udc00\"}",
                           "{\"a\":\"\\u12\"}",
                           "{\"a\":1,\"a\":2}",
                           "{\"a\":\"\n\"}",
                           "{a:1}"}) {
    EXPECT_NE(parse_error(line), "") << line;
  }
  EXPECT_EQ(parse_error("{\"a\":1,\"a\":2}"), "column 13: this member is there twice");
}

}  // namespace
}  // namespace chasqui::sim
