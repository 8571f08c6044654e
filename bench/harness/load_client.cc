#include "bench/harness/load_client.h"

#include <sodium.h>

#include <utility>
#include <vector>

#include "core/base/check.h"

namespace chasqui::bench {
namespace {

std::unique_ptr<client::Client> open_client(const client::Credentials& me, const LoadClient::Retry& retry) {
  client::Config config;
  config.program = "chasqui-load";
  config.retry_base = retry.base;
  config.retry_cap = retry.cap;
  CHASQUI_ASSERT(::sodium_init() >= 0, "the system has a random generator");
  Seed seed{};
  ::randombytes_buf(seed.data(), seed.size());
  auto opened = client::Client::open(me, config, seed, {});
  CHASQUI_ASSERT(opened.ok(), "an empty journal is one");
  return *std::move(opened);
}

}  // namespace

LoadClient::LoadClient(boost::asio::io_context& io, net::ServerList servers, const client::Credentials& me, Hear hear,
                       const Retry& retry)
    : me_(me),
      hear_(std::move(hear)),
      transport_(io, std::move(servers), open_client(me, retry),
                 net::Transport::Hooks{{},
                                       [this](client::Happening&& happening) {
                                         if (const auto* received = std::get_if<client::Received>(&happening)) {
                                           // Nothing is kept: a generator that keeps all events would be the
                                           // bottleneck.
                                           transport_.call([&](client::Client& c, Now now, client::Outputs& out) {
                                             c.mark_shown(now, received->conversation, Seq(received->event.seq()), out);
                                             return 0;
                                           });
                                         }
                                         hear_(*this, happening);
                                       },
                                       {}}) {}

OutboxSeq LoadClient::send(const ConversationId& conversation, std::string text) {
  const auto number = transport_.call([&](client::Client& client, Now now, client::Outputs& out) {
    return client.send(now, conversation, std::move(text), out);
  });
  return number.ok() ? *number : OutboxSeq();
}

OutboxSeq LoadClient::change(const ConversationId& group, const client::GroupChange& change) {
  const auto number = transport_.call([&](client::Client& client, Now now, client::Outputs& out) {
    return client.send_change(now, group, change, out);
  });
  return number.ok() ? *number : OutboxSeq();
}

ConversationId LoadClient::draw_group() {
  return transport_.call([](client::Client& client, Now, client::Outputs&) { return client.draw_group(); });
}

std::uint64_t LoadClient::ask_history(const ConversationId& conversation, Seq after) {
  return transport_.call([&](client::Client& client, Now now, client::Outputs& out) {
    return client.history(now, conversation, after, 200, false, out);
  });
}

}  // namespace chasqui::bench
