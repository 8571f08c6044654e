#include "runtime/peer_exchange.h"

#include <boost/asio/post.hpp>

#include "core/base/check.h"
#include "runtime/logging.h"

namespace chasqui {

namespace {

PeerLinksConfig links_config(const ClusterPlan& plan, PeerIdentity self, std::shared_ptr<PeerTls> tls,
                             const PeerTimes& times) {
  return {std::move(self), plan.others, std::move(tls), times, {}};
}

// The place of a node in its process.
std::size_t place_of(NodeId node) {
  return node.value() / node_step;
}

}  // namespace

PeerExchange::PeerExchange(const ClusterPlan& plan, PeerIdentity self, std::shared_ptr<PeerTls> tls, PeerMemory& memory,
                           boost::asio::io_context& io, std::function<void(std::size_t)> wake, const PeerTimes& times)
    : plan_(plan),
      memory_(memory),
      io_(io),
      wake_(std::move(wake)),
      links_(io, links_config(plan, std::move(self), std::move(tls), times), *this) {
  for (const NodeId node : plan_.nodes) {
    inboxes_.push_back(std::make_unique<Box>());
    for (const NodeId sibling : plan_.nodes) {
      if (sibling != node) {
        inboxes_.back()->queue.push({sibling, node, "", PeerMail::Word::Reachable});
      }
    }
  }
}

PeerExchange::~PeerExchange() {
  stop();
}

absl::Status PeerExchange::listen() {
  return plan_.listen_peers ? links_.listen(*plan_.listen_peers) : absl::OkStatus();
}

void PeerExchange::stop() {
  alive_.reset();
  links_.stop();
}

bool PeerExchange::put(Box& box, PeerMail mail) {
  const std::lock_guard lock(box.mutex);
  const bool was_empty = box.queue.is_empty();
  if (!box.queue.push(std::move(mail))) {
    dropped_++;
  }
  return was_empty && !box.queue.is_empty();
}

void PeerExchange::send(std::size_t from, std::vector<PeerSend> sends) {
  bool is_outbox_new = false;
  for (PeerSend& send : sends) {
    PeerMail mail{plan_.nodes[from], send.to, std::move(send.bytes)};
    if (process_of(send.to) == plan_.process) {
      const std::size_t place = place_of(send.to);
      if (place < inboxes_.size() && place != from && put(*inboxes_[place], std::move(mail))) {
        wake_(place);
      }
    } else if (from == 0) {
      links_.send(std::move(mail));
    } else {
      is_outbox_new = put(outbox_, std::move(mail)) || is_outbox_new;
    }
  }
  if (from == 0) {
    links_.flush();
  } else if (is_outbox_new) {
    boost::asio::post(io_, [this, alive = std::weak_ptr<int>(alive_)] {
      if (!alive.expired()) {
        drain_outbox();
      }
    });
  }
}

void PeerExchange::drain_outbox() {
  PeerQueue taken;
  {
    const std::lock_guard lock(outbox_.mutex);
    std::swap(taken, outbox_.queue);
  }
  while (!taken.is_empty()) {
    links_.send(taken.pop());
  }
  links_.flush();
}

void PeerExchange::take(std::size_t node, std::vector<Input>& inputs) {
  PeerQueue taken;
  {
    Box& box = *inboxes_[node];
    const std::lock_guard lock(box.mutex);
    if (box.queue.is_empty()) {
      return;
    }
    std::swap(taken, box.queue);
  }
  while (!taken.is_empty()) {
    PeerMail mail = taken.pop();
    switch (mail.word) {
      case PeerMail::Word::None: inputs.emplace_back(PeerFrame{mail.from, std::move(mail.bytes)}); break;
      case PeerMail::Word::Reachable: inputs.emplace_back(PeerReachable{mail.from}); break;
      case PeerMail::Word::Unreachable: inputs.emplace_back(PeerUnreachable{mail.from, false}); break;
      case PeerMail::Word::Dead: inputs.emplace_back(PeerUnreachable{mail.from, true}); break;
    }
  }
}

// ------------------------------------------------------------------------------------------------ from the links

void PeerExchange::on_peer_frame(NodeId from, NodeId to, std::string frame) {
  const std::size_t place = place_of(to);
  CHASQUI_ASSERT(place < inboxes_.size(), "the links know which nodes are here");
  // The first reactor's own turn follows this handler.
  if (put(*inboxes_[place], {from, to, std::move(frame)}) && place != 0) {
    wake_(place);
  }
}

void PeerExchange::tell(ProcessId process, PeerMail::Word word) {
  for (const PeerProcess& other : plan_.others) {
    if (other.process != process) {
      continue;
    }
    for (std::size_t place = 0; place < inboxes_.size(); place++) {
      bool is_new = false;
      for (const NodeId node : other.nodes) {
        is_new = put(*inboxes_[place], {node, plan_.nodes[place], "", word}) || is_new;
      }
      if (is_new && place != 0) {
        wake_(place);
      }
    }
  }
}

void PeerExchange::on_peer_event(bool is_warning, std::string sentence, const std::string& address) {
  const logging::Level level = is_warning ? logging::Level::Warn : logging::Level::Info;
  if (address.empty()) {
    logging::log(level, sentence);
  } else {
    logging::log(level, sentence, {{"from", address}});
  }
}

}  // namespace chasqui
