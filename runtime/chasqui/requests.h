// Serves the requests of channel.h with a Device: one object for each channel. When it goes, its unfinished requests
// are forgotten; a message that was taken stays in the outbox.
#pragma once

#include <boost/json.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "runtime/chasqui/device.h"
#include "runtime/chasqui/group_change.h"
#include "runtime/chasqui/group_text.h"
#include "runtime/chasqui/receipts_text.h"

namespace chasqui::cli {

class Requests : public std::enable_shared_from_this<Requests> {
 public:
  using Reply = std::function<void(boost::json::object)>;

  static std::shared_ptr<Requests> create(boost::asio::io_context& io, Device& device, Reply reply);
  ~Requests();
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  void handle(const boost::json::object& request);

 private:
  struct HistoryWalk;

  Requests(boost::asio::io_context& io, Device& device, Reply reply);
  void hear(const client::Happening& happening);
  void end_all(const absl::Status& why);

  void send(std::uint64_t id, const boost::json::object& request);
  void take(std::uint64_t id, const ConversationId& to, client::Payload payload);
  void forward(std::uint64_t id, const boost::json::object& request);
  void send_on(std::uint64_t id, const ConversationId& to, const ConversationId& from, std::uint64_t seq);
  void hide(std::uint64_t id, const boost::json::object& request);
  void hide_here(std::uint64_t id, const ConversationId& conversation, Seq seq);
  void say_if_hidden();
  void presence(std::uint64_t id, const boost::json::object& request);
  void say_presence(const client::Presence& presence);
  void privacy(std::uint64_t id, const boost::json::object& request);
  // requests_receipts.cc
  void receipts(std::uint64_t id, const boost::json::object& request);
  void ask_receipts(std::uint64_t id, const ConversationId& conversation, Seq seq);
  void conversations(std::uint64_t id);
  void watermarks(std::uint64_t id, const boost::json::object& request);
  void ask_watermarks(std::uint64_t id, const ConversationId& conversation);
  void set_gate(std::uint64_t id, const boost::json::object& request);
  void say_gate(const client::GateDone& done);
  void list_requests(std::uint64_t id);
  void list_requests_here(std::uint64_t id);
  // WHO: somebody's handle, or the id of a group.
  void find(const std::string& who, std::function<void(absl::StatusOr<ConversationId>)> done);
  // requests_group.cc
  void group(std::uint64_t id, const boost::json::object& body);
  void change_group(std::uint64_t id, const ConversationId& conversation, const GroupAsk& ask);
  void describe_group(std::uint64_t id, const ConversationId& conversation, bool is_for_permissions,
                      const boost::json::object& body);
  using Users = std::vector<UserId>;
  void with_users(std::vector<std::string> handles, Users found, std::function<void(absl::StatusOr<Users>)> done);
  void with_names(Users users, NamesOfUsers names, std::function<void(const NamesOfUsers&)> done);
  void history(std::uint64_t id, const boost::json::object& request);
  void ask_page(const std::shared_ptr<HistoryWalk>& walk);
  void on_page(const std::shared_ptr<HistoryWalk>& walk, const client::HistoryDone& done);
  void inbox(std::uint64_t id, const boost::json::object& request);
  void inbox_from_journal();
  void shown(const boost::json::object& request);
  void finish(std::uint64_t id);
  // `page`: of a history, which knows what is pinned; nullptr: it is news.
  void say_event(std::uint64_t id, const ConversationId& conversation, const client::Event& event,
                 const client::HistoryPage* page = nullptr);
  void say_news(std::uint64_t id, const ConversationId& conversation, const client::Event& event);
  void later(std::function<void()> go);
  // Replies that keep their order although some wait for a name.
  void say_in_order(boost::json::object reply);
  void say_ready();

  boost::asio::io_context& io_;
  Device& device_;
  Reply reply_;
  int subscription_ = 0;
  struct Unanswered {
    std::uint64_t id = 0;
    std::string link;  // that it makes
  };
  std::map<std::pair<ConversationId, OutboxSeq>, Unanswered> unanswered_;  // sends
  std::map<std::uint64_t, std::function<void(const client::GroupDescribed&)>> descriptions_;
  std::map<std::uint64_t, std::function<void(const client::HistoryDone&)>> pages_;
  std::map<std::uint64_t, std::function<void(const client::ReceiptsDone&)>> receipts_;
  std::map<std::uint64_t, std::function<void(const client::MarksDone&)>> marks_;
  struct Hiding {
    ConversationId conversation;
    Seq seq;
  };
  std::map<std::uint64_t, Hiding> hiding_;        // by their id here
  std::map<std::uint64_t, std::uint64_t> asked_;  // privacy: by the client's number, the id here
  std::map<UserId, std::uint64_t> watched_;       // presence: the id here
  struct Gating {
    std::uint64_t id = 0;
    UserId user;
  };
  std::map<std::uint64_t, Gating> gating_;  // by the client's number
  std::uint64_t inbox_id_ = 0;              // 0: nobody asked
  bool inbox_follows_ = false;
  bool inbox_told_ = false;  // what the journal held was said: from then on what is received
  std::deque<std::shared_ptr<std::optional<boost::json::object>>> in_order_;  // empty ones wait
  ConversationId last_taken_;  // where finish() can ask a page, so that the marks are heard before
  Seq last_taken_seq_;
};

}  // namespace chasqui::cli
