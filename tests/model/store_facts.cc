#include "tests/model/store_facts.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/keys.h"
#include "core/base/text.h"
#include "proto/client.pb.h"
#include "proto/state.pb.h"

namespace chasqui::model {
namespace {

std::string hex(std::string_view bytes) {
  return absl::BytesToHexString(text(bytes));
}

// Tells the facts of one row.
class Teller {
 public:
  explicit Teller(std::vector<std::string>& facts) : facts_(facts) {}

  void tell(const std::string& key, const std::string& bytes) {
    const auto parsed = keys::parse(key);
    if (!parsed) return fact("no key: ", hex(key));
    row_ = *parsed;
    bytes_ = &bytes;
    switch (row_.kind) {
      case keys::Kind::Header: return header(row<state::Header>());
      case keys::Kind::Event: return event(row<client::Event>());
      case keys::Kind::Account: return account(row<state::Account>());
      case keys::Kind::Device: return device(row<state::Device>());
      case keys::Kind::Index: return index(row<state::Index>());
      case keys::Kind::Version: return version(row<state::Version>());
      case keys::Kind::Handle: return fact("handle ", row_.handle, " is ", row<state::Handle>().user());
      case keys::Kind::Feed: return feed(row<state::Feed>());
      case keys::Kind::Ingested: return fact("ingested");
      case keys::Kind::Hidden: return hidden(row<state::Hidden>());
      case keys::Kind::Expiry: return fact("expiry ", row_.expires_ms, " ", row_.conversation.hex(), " ", row_.number);
      case keys::Kind::Parked: {
        const auto parked = row<state::Parked>();
        if (row_.number != 0) fact("parked for a shard that is not there: ", row_.number);
        return fact("parked ", row_.user.value(), " ", row_.conversation.hex(), " head ", parked.head(), " read ",
                    parked.read());
      }
      case keys::Kind::Group: return group(row<state::Group>());
      case keys::Kind::GroupMarks: {
        const auto marks = row<state::GroupMarks>();
        for (int i = 0; i < marks.users_size(); ++i) {
          fact("marks ", row_.conversation.hex(), " ", marks.users(i), " ", marks.delivered(i), " ", marks.read(i));
        }
        return;
      }
      case keys::Kind::Former: {
        const auto former = row<state::FormerMember>();
        return fact("former ", row_.conversation.hex(), " ", row_.user.value(), " times ", former.intervals_size());
      }
      case keys::Kind::Sender:
        return fact("sender ", row_.conversation.hex(), " ", row_.user.value(), "/", row_.number, " took ",
                    row<state::SenderRow>().last());
      case keys::Kind::MemberCounts: return;  // core/shard/counts_test.cc has a naive count of its own
      case keys::Kind::Gate:
        return fact("gate ", row_.user.value(), " to ", row_.number, " ", row<state::Gate>().stance());
      case keys::Kind::Numbers: {
        const auto numbers = row<state::Shard>();
        return fact("applied ", numbers.applied_index(), " time ", numbers.log_time_ms(), " cursor ",
                    numbers.feed_cursor());
      }
    }
  }

 private:
  template <class... Parts>
  void fact(const Parts&... parts) {
    facts_.push_back(absl::StrCat(parts...));
  }
  template <class Row>
  Row row() {
    Row row;
    if (!row.ParseFromString(*bytes_)) fact("does not parse: ", hex(*bytes_));
    return row;
  }
  void header(const state::Header& header) {
    const std::string id = row_.conversation.hex();
    fact("head ", id, " ", header.head(), " ", hex(header.chain()));
    for (const std::uint64_t pin : header.pins()) fact("pin ", id, " ", pin);
    if (header.timer_s() > 0) fact("timer ", id, " ", header.timer_s());
    for (int i = 0; i < header.members_size(); ++i) {
      const auto user = i == 0 ? row_.conversation.lower() : row_.conversation.higher();
      const auto& member = header.members(i);
      if (member.delivered() != 0) {
        fact("marks ", id, " ", user.value(), " ", member.delivered(), " ", member.read());
      }
      for (const auto& sender : member.senders()) {
        fact("sender ", id, " ", user.value(), "/", sender.device(), " took ", sender.last());
      }
    }
  }
  void event(const client::Event& event) {
    if (event.seq() != row_.number) fact("an event of another seq at ", row_.number);
    fact("event ", row_.conversation.hex(), " ", event.seq(), " ", event.sender(), "/", event.device(),
         " n=", event.outbox_seq(), " at ", event.time_ms(), " ", hex(event.payload()), " ", hex(event.digest()), " ",
         hex(event.chain()), " about ", static_cast<int>(event.about().kind()), "/", event.about().seq(), " edits ",
         event.edits(), " last ", event.edited_by(), " erased ", event.erased_by(), event.expired() ? " expired" : "",
         " expires ", event.expires_ms(), " poll ", event.poll_options(), "/", event.poll_choices_max());
  }
  void hidden(const state::Hidden& hidden) {
    for (int i = 0; i + 1 < hidden.ranges_size(); i += 2) {
      for (std::uint64_t seq = hidden.ranges(i); seq <= hidden.ranges(i + 1); ++seq) {
        fact("hidden ", row_.user.value(), " ", row_.conversation.hex(), " ", seq);
      }
    }
  }
  void group(const state::Group& group) {
    fact("group ", row_.conversation.hex(), " ", group.title());
    for (const auto& member : group.members()) {
      fact("member ", row_.conversation.hex(), " ", member.user(), " role ", member.role(), " times ",
           member.intervals_size());
    }
  }
  void account(const state::Account& account) {
    fact("user ", row_.user.value(), " ", account.handle(), " ", account.credential(), " since ", account.created_ms(),
         ", device ids to ", account.last_device(), ", seen by ", account.presence());
  }
  void device(const state::Device& device) {
    fact("device ", row_.user.value(), "/", row_.number, " ", device.name(), " ", hex(device.secret_hash()), " since ",
         device.created_ms(), ", seen ", device.last_seen_ms());
  }
  void index(const state::Index& index) {
    fact("index ", row_.user.value(), " ", row_.conversation.hex(), " head ", index.head(), " read ", index.read(),
         " version ", index.version(), " hides ", index.hides());
  }
  void version(const state::Version& version) {
    for (const auto& bytes : version.conversations()) {
      fact("version ", row_.user.value(), " ", row_.number, " names ", hex(bytes));
    }
    if (version.conversations().empty()) fact("a version that names nothing: ", row_.number);
  }
  void feed(const state::Feed& feed) {
    for (const auto& item : feed.items()) {
      fact("feed ", row_.number, " ", item.user(), " ", hex(item.conversation()), " head ", item.head(), " read ",
           item.read());
    }
  }

  std::vector<std::string>& facts_;
  keys::Parsed row_;
  const std::string* bytes_ = nullptr;
};

}  // namespace

std::vector<std::string> store_facts(const testing::MemStore::Rows& rows) {
  std::vector<std::string> facts;
  Teller teller(facts);
  for (const auto& [key, bytes] : rows) teller.tell(key, bytes);
  std::sort(facts.begin(), facts.end());
  return facts;
}

std::string first_difference(const std::vector<std::string>& model, const std::vector<std::string>& store) {
  std::size_t at = 0;
  while (at < model.size() && at < store.size() && model[at] == store[at]) ++at;
  if (at == model.size() && at == store.size()) return "";
  const auto line = [at](const std::vector<std::string>& facts) { return at < facts.size() ? facts[at] : "(none)"; };
  return absl::StrCat("model: ", line(model), "\nstore: ", line(store));
}

}  // namespace chasqui::model
