#include "sim/history_file/history_line.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "sim/history_file/json_fields.h"

namespace chasqui::sim {
namespace {

constexpr auto int64_most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
constexpr std::uint64_t uint32_most = std::numeric_limits<std::uint32_t>::max();

// ------------------------------------------------------------------------------------------------------------- writing

// A user as in the conversation's id: 16 hex digits.
std::string hex(UserId user) {
  return absl::StrFormat("%016x", user.value());
}

class Writer {
 public:
  Writer(Time at, const char* what) { line_.number("t_ns", static_cast<std::uint64_t>(at)).text("what", what); }
  Writer& device(std::uint32_t device) { return number("device", device); }
  Writer& in(const ConversationId& conversation) { return text("conversation", conversation.hex()); }
  Writer& number(std::string_view name, std::uint64_t value) {
    line_.number(name, value);
    return *this;
  }
  Writer& time(LogTime time) { return number("time_ms", static_cast<std::uint64_t>(time.ms)); }
  Writer& text(std::string_view name, std::string_view value) {
    line_.text(name, value);
    return *this;
  }
  Writer& seqs(const char* name, const std::vector<std::pair<ConversationId, Seq>>& seqs) {
    JsonFields::Rows rows;
    for (const auto& [conversation, seq] : seqs) rows.push_back({conversation.hex(), seq.value()});
    line_.rows(name, rows);
    return *this;
  }
  Writer& waiting(const std::vector<MessageSent>& waiting) {
    JsonFields::Rows rows;
    for (const MessageSent& sent : waiting) rows.push_back({sent.conversation.hex(), sent.number.value(), sent.text});
    line_.rows("waiting", rows);
    return *this;
  }
  Writer& numbers(const char* name, const std::vector<std::uint32_t>& numbers) {
    line_.numbers(name, {numbers.begin(), numbers.end()});
    return *this;
  }
  [[nodiscard]] std::string str() const { return line_.str(); }

 private:
  JsonLine line_;
};

struct ToLine {
  Time at;

  std::string operator()(const DeviceJoined& fact) const {
    return Writer(at, "joined").device(fact.device).text("user", hex(fact.user)).number("id", fact.id.value()).str();
  }
  std::string operator()(const MessageSent& fact) const {
    Writer line(at, "sent");
    line.device(fact.device).in(fact.conversation).number("number", fact.number.value()).text("text", fact.text);
    return line.str();
  }
  std::string operator()(const MessageForgotten& fact) const {
    return Writer(at, "forgotten").device(fact.device).in(fact.conversation).text("text", fact.text).str();
  }
  std::string operator()(const AcceptedHeard& fact) const {
    Writer line(at, "accepted");
    line.device(fact.device).in(fact.conversation).number("number", fact.number.value());
    return line.number("seq", fact.seq.value()).time(fact.time).str();
  }
  std::string operator()(const RefusalHeard& fact) const {
    Writer line(at, "refused");
    line.device(fact.device).in(fact.conversation).number("number", fact.number.value()).text("reason", fact.reason);
    return line.str();
  }
  std::string operator()(const EventSeen& fact) const {
    Writer line(at, "seen");
    line.device(fact.device).in(fact.conversation).number("seq", fact.seq.value()).time(fact.time);
    line.text("sender", hex(fact.sender)).number("sender_device", fact.sender_device.value()).text("text", fact.text);
    if (!fact.digest_right) line.text("digest", "wrong");
    if (fact.erased) line.text("payload", "erased");
    return line.str();
  }
  std::string operator()(const PhoneCrashed& fact) const {
    return Writer(at, "phone_crashed").device(fact.device).seqs("shown", fact.shown).str();
  }
  std::string operator()(const JournalReplaced& fact) const {
    return Writer(at, "journal_replaced").device(fact.device).seqs("shown", fact.shown).waiting(fact.waiting).str();
  }
  std::string operator()(const DeviceGone& fact) const { return Writer(at, "gone").device(fact.device).str(); }
  std::string operator()(const HostileJoined& fact) const {
    return Writer(at, "hostile_joined").text("user", hex(fact.user)).number("id", fact.id.value()).str();
  }
  std::string operator()(const HostileSent& fact) const {
    return Writer(at, "hostile_sent").text("user", hex(fact.user)).in(fact.conversation).text("text", fact.text).str();
  }
  std::string operator()(const MarksHeard& fact) const {
    Writer line(at, "marks");
    line.device(fact.device).in(fact.conversation).text("user", hex(fact.user));
    return line.number("delivered", fact.delivered.value()).number("read", fact.read.value()).str();
  }
  std::string operator()(const ReadByPerson& fact) const {
    return Writer(at, "read").device(fact.device).in(fact.conversation).number("seq", fact.seq.value()).str();
  }
  std::string operator()(const GateAsked& fact) const {
    Writer line(at, "gate");
    line.device(fact.device).number("request", fact.request).text("user", hex(fact.other));
    return line.number("blocks", std::uint64_t{fact.blocks}).str();
  }
  std::string operator()(const GateHeard& fact) const {
    Writer line(at, "gate_set");
    line.device(fact.device).number("request", fact.request);
    return line.number("ok", std::uint64_t{fact.ok}).number("in_force", std::uint64_t{fact.in_force}).str();
  }
  std::string operator()(const RequestAsked& fact) const {
    return Writer(at, "asked").device(fact.device).number("request", fact.request).str();
  }
  std::string operator()(const AnswerHeard& fact) const {
    return Writer(at, "answered").device(fact.device).number("request", fact.request).str();
  }
  std::string operator()(const ConnectionLost& fact) const {
    return Writer(at, "disconnected").device(fact.device).str();
  }
  std::string operator()(const ListSeen& fact) const {
    return Writer(at, "list").device(fact.device).seqs("heads", fact.heads).str();
  }
  std::string operator()(const OperatorStep& fact) const {
    return Writer(at, "operator").number("node", fact.node).text("step", fact.step).str();
  }
  std::string operator()(const NodeRefused& fact) const {
    Writer line(at, "data_loss");
    return line.number("node", fact.node).text("why", fact.why).numbers("devices", fact.devices).str();
  }
  std::string operator()(const Healed& fact) const {
    return Writer(at, "healed").number("backlog_ns", static_cast<std::uint64_t>(fact.backlog)).str();
  }
  std::string operator()(const Settled& /*fact*/) const { return Writer(at, "settled").str(); }
  std::string operator()(const NotSettled& fact) const {
    return Writer(at, "not_settled").text("missing", fact.missing).str();
  }
  template <class Tapped>
    requires is_tap<Tapped>
  std::string operator()(const Tapped& /*fact*/) const {
    return {};
  }
};

// ------------------------------------------------------------------------------------------------------------- reading

class Reader {
 public:
  explicit Reader(std::string_view line) : fields_(line) {}

  [[nodiscard]] JsonFields& fields() { return fields_; }
  Time time(std::string_view name) { return static_cast<Time>(fields_.number(name, int64_most)); }
  LogTime log_time() { return {static_cast<std::int64_t>(fields_.number("time_ms", int64_most))}; }
  std::uint32_t number32(std::string_view name) {
    return static_cast<std::uint32_t>(fields_.number(name, uint32_most));
  }
  std::uint32_t device() { return number32("device"); }
  template <class Number>
  Number number(std::string_view name) {
    return Number(fields_.number(name));
  }
  std::string text(std::string_view name) { return fields_.text(name); }
  ConversationId conversation() { return conversation_of("conversation", fields_.text("conversation")); }
  UserId user(std::string_view name) {
    const std::string digits = fields_.text(name);
    std::uint64_t value = 0;
    for (const char c : digits) {
      const std::size_t digit = std::string_view("0123456789abcdef").find(c);
      if (digit == std::string_view::npos || digits.size() != 16) return no_user(name, digits);
      value = value * 16 + digit;
    }
    return is_valid(UserId(value)) ? UserId(value) : no_user(name, digits);
  }
  std::vector<std::pair<ConversationId, Seq>> seqs(std::string_view name) {
    std::vector<std::pair<ConversationId, Seq>> all;
    for (const JsonFields::Row& row : fields_.rows(name)) {
      if (!row.text.empty()) fields_.wrong(absl::StrCat("\"", std::string(name), "\": a list of [conversation, seq]"));
      all.emplace_back(conversation_of(name, row.name), Seq(row.number));
    }
    return all;
  }
  std::vector<std::uint32_t> numbers32(std::string_view name) {
    const JsonFields::Numbers wide = fields_.numbers(name, uint32_most);
    std::vector<std::uint32_t> all;
    for (const std::uint64_t number : wide) all.push_back(static_cast<std::uint32_t>(number));
    return all;
  }
  std::vector<MessageSent> waiting(std::uint32_t device) {
    std::vector<MessageSent> all;
    for (JsonFields::Row& row : fields_.rows("waiting")) {
      all.push_back({device, conversation_of("waiting", row.name), OutboxSeq(row.number), std::move(row.text)});
    }
    return all;
  }

 private:
  ConversationId conversation_of(std::string_view name, const std::string& digits) {
    const auto conversation = ConversationId::from_hex(digits);
    if (!conversation) {
      fields_.wrong(absl::StrCat("\"", std::string(name), "\": '", digits,
                                 "' is no conversation's id of 32 lower-case hex digits"));
    }
    return conversation.value_or(ConversationId());
  }
  UserId no_user(std::string_view name, const std::string& digits) {
    fields_.wrong(
        absl::StrCat("\"", std::string(name), "\": '", digits, "' is no user's id of 16 lower-case hex digits"));
    return {};
  }

  JsonFields fields_;
};

// Members in braces are read in their order.
std::variant<HistoryHead, Fact, Ending> read(const std::string& what, Reader& in) {
  if (what == "joined") return Fact(DeviceJoined{in.device(), in.user("user"), in.number<DeviceId>("id")});
  if (what == "sent") {
    return Fact(MessageSent{in.device(), in.conversation(), in.number<OutboxSeq>("number"), in.text("text")});
  }
  if (what == "forgotten") return Fact(MessageForgotten{in.device(), in.conversation(), in.text("text")});
  if (what == "accepted") {
    return Fact(AcceptedHeard{in.device(), in.conversation(), in.number<OutboxSeq>("number"), in.number<Seq>("seq"),
                              in.log_time()});
  }
  if (what == "refused") {
    return Fact(RefusalHeard{in.device(), in.conversation(), in.number<OutboxSeq>("number"), in.text("reason")});
  }
  if (what == "seen") {
    EventSeen seen{in.device(),
                   in.conversation(),
                   in.number<Seq>("seq"),
                   in.log_time(),
                   in.user("sender"),
                   in.number<DeviceId>("sender_device"),
                   in.text("text"),
                   true,
                   false};
    seen.erased = in.fields().has("payload");
    if (seen.erased && in.text("payload") != "erased") in.fields().wrong("\"payload\" is \"erased\", or is not there");
    if (in.fields().has("digest")) {
      seen.digest_right = false;
      if (in.text("digest") != "wrong") in.fields().wrong("\"digest\" is \"wrong\", or is not there");
    }
    return Fact(std::move(seen));
  }
  if (what == "phone_crashed") return Fact(PhoneCrashed{in.device(), in.seqs("shown")});
  if (what == "journal_replaced") {
    JournalReplaced replaced{in.device(), in.seqs("shown"), {}};
    replaced.waiting = in.waiting(replaced.device);
    return Fact(std::move(replaced));
  }
  if (what == "gone") return Fact(DeviceGone{in.device()});
  if (what == "hostile_joined") return Fact(HostileJoined{in.user("user"), in.number<DeviceId>("id")});
  if (what == "hostile_sent") return Fact(HostileSent{in.user("user"), in.conversation(), in.text("text")});
  if (what == "marks") {
    return Fact(MarksHeard{in.device(), in.conversation(), in.user("user"), in.number<Seq>("delivered"),
                           in.number<Seq>("read")});
  }
  if (what == "read") return Fact(ReadByPerson{in.device(), in.conversation(), in.number<Seq>("seq")});
  if (what == "gate") {
    return Fact(
        GateAsked{in.device(), in.fields().number("request"), in.user("user"), in.fields().number("blocks") != 0});
  }
  if (what == "gate_set") {
    return Fact(GateHeard{in.device(), in.fields().number("request"), in.fields().number("ok") != 0,
                          in.fields().number("in_force") != 0});
  }
  if (what == "asked") return Fact(RequestAsked{in.device(), in.fields().number("request")});
  if (what == "answered") return Fact(AnswerHeard{in.device(), in.fields().number("request")});
  if (what == "disconnected") return Fact(ConnectionLost{in.device()});
  if (what == "list") return Fact(ListSeen{in.device(), in.seqs("heads")});
  if (what == "operator") return Fact(OperatorStep{in.number32("node"), in.text("step")});
  if (what == "data_loss") return Fact(NodeRefused{in.number32("node"), in.text("why"), in.numbers32("devices")});
  if (what == "healed") return Fact(Healed{in.time("backlog_ns")});
  if (what == "settled") return Fact(Settled{});
  if (what == "not_settled") return Fact(NotSettled{in.text("missing")});
  if (what == "end") {
    const std::string how = in.text("ending");
    for (const Ending ending : {Ending::Over, Ending::Stuck, Ending::Stopped}) {
      if (how == word(ending)) return ending;
    }
    in.fields().wrong(absl::StrCat("\"ending\": '", how, "' is none of over, stuck, stopped"));
    return Ending::Stopped;
  }
  in.fields().wrong(absl::StrCat("\"what\": '", what, "' is no line of a history"));
  return Ending::Stopped;
}

}  // namespace

std::string head_line(const HistoryHead& head) {
  JsonLine line;
  line.text("what", "history").number("format", history_format);
  line.number("settle_ns", static_cast<std::uint64_t>(head.settle_bound)).text("from", head.from);
  return line.str();
}

std::string fact_line(Time at, const Fact& fact) {
  return std::visit(ToLine{at}, fact);
}

std::string end_line(Time at, Ending ending) {
  return Writer(at, "end").text("ending", word(ending)).str();
}

absl::StatusOr<HistoryLine> parse_history_line(std::string_view line) {
  Reader in(line);
  HistoryLine out;
  const std::string what = in.text("what");
  if (what == "history") {
    const std::uint64_t format = in.fields().number("format");
    if (in.fields().error().empty() && format != history_format) {
      in.fields().wrong(absl::StrCat("\"format\" is ", format, ": this program reads ", history_format));
    }
    out.said = HistoryHead{in.time("settle_ns"), in.text("from")};
  } else {
    out.at = in.time("t_ns");
    if (in.fields().error().empty()) out.said = read(what, in);
  }
  in.fields().finish();
  if (!in.fields().error().empty()) return absl::InvalidArgumentError(in.fields().error());
  return out;
}

}  // namespace chasqui::sim
