// One device of a load generator: client core and transport without a journal, many of them on one io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/client/client.h"
#include "net/client/transport.h"

namespace chasqui::bench {

class LoadClient {
 public:
  using Hear = std::function<void(LoadClient&, const client::Happening&)>;

  // Reconnects quickly, since its servers are restarted on purpose, unless it is told to do so as others do.
  struct Retry {
    Duration base = milliseconds(50);
    Duration cap = milliseconds(500);
  };
  LoadClient(boost::asio::io_context& io, net::ServerList servers, const client::Credentials& me, Hear hear)
      : LoadClient(io, std::move(servers), me, std::move(hear), Retry{}) {}
  LoadClient(boost::asio::io_context& io, net::ServerList servers, const client::Credentials& me, Hear hear,
             const Retry& retry);

  void start() { transport_.start(); }
  void stop() { transport_.stop(); }
  // Its number there; 0 if the client core refused.
  OutboxSeq send(const ConversationId& conversation, std::string text);
  // Likewise, a change of a group; of one that is to be created: under an id of draw_group().
  OutboxSeq change(const ConversationId& group, const client::GroupChange& change);
  [[nodiscard]] ConversationId draw_group();
  std::uint64_t ask_history(const ConversationId& conversation, Seq after);

  [[nodiscard]] const client::Credentials& me() const { return me_; }
  [[nodiscard]] const client::Client& client() const { return transport_.client(); }
  [[nodiscard]] const absl::Status& last_error() const { return transport_.last_error(); }

 private:
  client::Credentials me_;
  Hear hear_;
  net::Transport transport_;
};

}  // namespace chasqui::bench
