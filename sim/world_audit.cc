// Auditors: one more device of a person, which keeps nothing and acks nothing. It asks its node what has changed since
// a version that it was told before, page by page, and hangs up. Its frames take no time: what is judged is the answer.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/digest.h"
#include "core/describe.h"
#include "sim/auditor.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

constexpr Time patience = 10 * second;  // with an answer that does not come

// Numbers of devices lie below.
Address address_of_auditor(std::uint32_t person) {
  return address_of(0x80000000U | person);
}

}  // namespace

// `version`: which of the versions that it was told before; 0: none, it is new.
void World::audit(std::uint32_t person, std::uint64_t version, bool at_end) {
  std::uint32_t asked = person % plan_.nodes;
  if (plan_.is_cluster()) {
    const std::uint64_t bits = noise(Concern::Servers, person, report_.steps);
    asked = static_cast<std::uint32_t>(below(bits, plan_.nodes));
  }
  VirtualNode& node = *nodes_[asked];
  if (!node.up() || !users_[person]) return;
  Auditor& auditor = auditors_[person];
  auditor.person = person;
  if (auditor.busy() && (auditor.is_listening || now_ - auditor.since < patience)) return;
  audit_ends(*nodes_[auditor.node], auditor);
  auditor.node = asked;
  auditor.since = now_;
  auditor.at_end = at_end;
  auditor.from = auditor.told.empty() ? 0 : version % (auditor.told.size() + 1);
  if (auditor.has_account) return audit_asks(node, auditor);
  if (auditor.secret.empty()) {
    if (ids_[person] >= Limits{}.devices_max) return;
    ++ids_[person];
    Dice dice(plan_.seed, Concern::Audit, person);
    while (auditor.secret.size() < 32) auditor.secret.push_back(static_cast<char>(dice.roll(0, 255)));
  }
  auditor.call = ++node.last_call;
  audit_calls_[{node.index, auditor.call}] = person;
  HttpCall call;
  call.call = CallId(auditor.call);
  call.address = address_of_auditor(person);
  call.body = LoginCall{absl::StrCat("person.", person), "auditor", std::string(view(blake2b_256(auditor.secret)))};
  feed(node, std::move(call));
}

bool World::audit_answered(VirtualNode& node, const HttpAnswer& answer) {
  const auto it = audit_calls_.find({node.index, answer.call.value()});
  if (it == audit_calls_.end()) return false;
  Auditor& auditor = auditors_[it->second];
  audit_calls_.erase(it);
  auditor.call = 0;
  if (answer.code != 0) return true;  // another time
  auditor.has_account = true;
  auditor.device = answer.device;
  audit_asks(node, auditor);
  return true;
}

void World::audit_asks(VirtualNode& node, Auditor& auditor) {
  auditor.session = SessionId(++node.last_session);
  auditor.audit = ++last_audit_;
  auditor.is_listening = false;
  auditor.known.clear();
  auditor.top = Version();
  if (auditor.from > 0) auditor.known = auditor.told[auditor.from - 1].known;
  audit_sessions_[{node.index, auditor.session}] = auditor.person;
  feed(node, SessionOpened{auditor.session, address_of_auditor(auditor.person)});
  client::ClientMessage message;
  client::ClientFrame& frame = *message.add_frames();
  frame.set_request_id(1);
  client::Hello& hello = *frame.mutable_hello();
  hello.set_user(users_[auditor.person].value());
  hello.set_device(static_cast<std::uint32_t>(auditor.device.value()));
  hello.set_secret(auditor.secret);
  hello.set_generation(++auditor.generation);
  hello.set_synced_version(auditor.version().value());
  hello.set_history_epoch(auditor.epoch);
  hello.set_client("auditor");
  if (tracing()) trace(absl::StrCat("auditor of person ", auditor.person, " says ", describe(frame)));
  feed(node, SessionFrame{auditor.session, message.SerializeAsString()});
}

Auditor* World::auditor_of(const VirtualNode& node, SessionId session) {
  if (audit_sessions_.empty()) return nullptr;
  const auto it = audit_sessions_.find({node.index, session});
  return it == audit_sessions_.end() ? nullptr : &auditors_[it->second];
}

// The node takes its question: what is committed by now must be in the answer.
void World::audit_taken(VirtualNode& node, const Auditor& auditor, std::vector<Fact>& facts) {
  facts.push_back(AuditAsked{node.index, auditor.audit, users_[auditor.person]});
}

void World::audit_hears(VirtualNode& node, Auditor& auditor, const std::string& bytes) {
  client::ServerMessage message;
  if (!message.ParseFromString(bytes)) return;
  const auto knows = [&](const std::string& id, std::uint64_t head) {
    const auto conversation = ConversationId::parse(id);
    if (!conversation) return;
    Seq& known = auditor.known[*conversation];
    known = std::max(known, Seq(head));
  };
  const auto session = auditor.session;
  feed(node, SessionWritable{session, bytes.size()});
  for (const client::ServerFrame& frame : message.frames()) {
    if (frame.has_push()) knows(frame.push().conversation(), frame.push().event().seq());
    if (frame.has_head()) knows(frame.head().conversation(), frame.head().seq());
    if (frame.has_error() || frame.has_go_away()) return audit_ends(node, auditor);
    if (frame.has_hello()) auditor.epoch = frame.hello().history_epoch();
    const bool is_page = frame.has_hello() || frame.has_sync();
    if (!is_page) continue;
    const client::SyncPage& page = frame.has_hello() ? frame.hello().sync() : frame.sync();
    for (const client::IndexEntry& entry : page.entries()) knows(entry.conversation(), entry.head());
    if (frame.has_hello()) auditor.top = Version(page.top_version());
    if (page.next_below() != 0) {
      client::ClientMessage more;
      client::ClientFrame& next = *more.add_frames();
      next.set_request_id(frame.request_id() + 1);
      next.mutable_sync()->set_since_version(auditor.version().value());
      next.mutable_sync()->set_below_version(page.next_below());
      feed(node, SessionFrame{session, more.SerializeAsString()});
      continue;
    }
    auditor.is_listening = true;
  }
  if (!auditor.is_listening) return;
  if (plan_.is_cluster() && judge_.audit_lacks(auditor.audit, auditor.known)) return;
  audit_done(node, auditor);
}

void World::audit_done(VirtualNode& node, Auditor& auditor) {
  AuditAnswered answer{node.index, auditor.audit, users_[auditor.person], auditor.version(), {}, auditor.at_end};
  answer.known.assign(auditor.known.begin(), auditor.known.end());
  see(std::move(answer));
  auditor.told.push_back({auditor.top, std::move(auditor.known)});
  audit_ends(node, auditor);
}

void World::audit_ends(VirtualNode& node, Auditor& auditor) {
  if (auditor.call != 0) {
    audit_calls_.erase({node.index, std::exchange(auditor.call, 0)});
  }
  if (!auditor.session) return;
  audit_sessions_.erase({node.index, auditor.session});
  feed(node, SessionClosed{std::exchange(auditor.session, SessionId())});
}

void World::audits_die(const VirtualNode& node) {
  for (auto& [person, auditor] : auditors_) {
    if (auditor.node != node.index) continue;
    auditor.call = 0;
    auditor.session = SessionId();
  }
  std::erase_if(audit_calls_, [&](const auto& call) { return call.first.first == node.index; });
  std::erase_if(audit_sessions_, [&](const auto& session) { return session.first.first == node.index; });
}

void World::judge_listeners() {
  for (auto& [person, auditor] : auditors_) {
    if (auditor.session && auditor.is_listening) audit_done(*nodes_[auditor.node], auditor);
  }
}

// Once all has settled: whoever still listens lacks something; and a new device of everyone who has an auditor sees the
// exact list. Of a cluster in time: people still read, and a row that a mark moves between two pages comes as a push.
void World::audit_the_end() {
  judge_listeners();
  for (auto& [person, auditor] : auditors_) {
    if (auditor.has_account) audit(person, 0, true);
  }
}

}  // namespace chasqui::sim
