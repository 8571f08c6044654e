// What is right about a group: the model's own account of it, written from client.proto ("groups") and ARCHITECTURE.md
// (sections 6, 7 and 10), apart from core/shard/. People, sets and maps; nothing is packed.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/base/now.h"
#include "proto/client.pb.h"
#include "sim/model/logged.h"

namespace chasqui::sim {

class GroupModel {
 public:
  // May somebody who is `user` be told anything but the one sentence? `took_numbers`: the group has taken some of his.
  [[nodiscard]] bool may_know(const ConversationId& id, UserId user, bool took_numbers, LogTime now,
                              const client::GroupChange* change) const;
  // A client.Code; 0: it may be. Of a message: as far as that hangs on its being a group's.
  [[nodiscard]] std::uint32_t refuses(UserId user, LogTime now, const client::GroupChange& change) const;
  [[nodiscard]] std::uint32_t refuses_message(UserId user, LogTime now, const LoggedSend& send) const;
  [[nodiscard]] bool is_admin(UserId user) const;
  // By a link that asks for approval: the request stands.
  [[nodiscard]] bool must_be_let_in(UserId user, LogTime now, const client::GroupChange& change) const;
  void ask(UserId user);
  // The event at `seq` does this.
  void apply(UserId user, Seq seq, const client::GroupChange& change, const std::set<UserId>& not_added);

  [[nodiscard]] bool sees(UserId user, Seq seq) const;
  [[nodiscard]] Seq last_seen_by(UserId user, Seq head) const;             // 0: nothing
  [[nodiscard]] Seq next_seen_by(UserId user, Seq after, Seq head) const;  // 0: nothing more
  [[nodiscard]] std::vector<UserId> who_is_told(Seq seq) const;            // of the event at `seq`
  [[nodiscard]] bool was_member(UserId user, Seq seq) const;               // when that event came
  [[nodiscard]] Seq left_after(UserId user, Seq seq) const;                // whoever was one then; 0: he is one still
  [[nodiscard]] bool knew(UserId user) const { return times_.contains(user); }  // is or was a member
  [[nodiscard]] Seq joined(UserId user) const;                                  // by which event; 0: he is no member
  [[nodiscard]] bool is_member(UserId user) const { return members_.contains(user); }

 private:
  struct Time {
    Seq from;
    Seq joined;
    std::optional<Seq> left;
    [[nodiscard]] bool holds(Seq seq) const { return joined <= seq && (!left || seq <= *left); }
  };
  struct Link {
    bool asks_approval = false;
    std::int64_t expires_ms = 0;
    std::uint64_t uses_max = 0;
    std::uint64_t uses = 0;
  };
  struct Member {
    client::GroupRole role = client::MEMBER;
    std::int64_t muted_until_ms = 0;
  };
  [[nodiscard]] bool may_join(UserId user, LogTime now, const std::string& secret) const;
  void add_or_invite(UserId user, Seq seq, const std::set<UserId>& not_added);
  [[nodiscard]] const Link* open_link(UserId user, LogTime now, const std::string& secret) const;
  [[nodiscard]] bool above(UserId actor, UserId other) const;
  void come(UserId user, Seq seq, client::GroupRole role);
  void go(UserId user, Seq seq);
  void pass_on(UserId from);

  bool exists_ = false;
  std::map<UserId, Member> members_;
  std::map<UserId, std::deque<Time>> times_;
  std::set<UserId> banned_;
  std::map<std::string, Link> links_;  // by hash
  std::deque<UserId> requests_;
  std::deque<UserId> invited_;
  client::GroupPermissions may_;
};

}  // namespace chasqui::sim
