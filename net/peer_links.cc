#include "net/peer_links.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "net/clock.h"

namespace chasqui {

namespace asio = boost::asio;

PeerLinks::PeerLinks(asio::io_context& io, PeerLinksConfig config, PeerLinksOwner& owner)
    : io_(io),
      config_(std::move(config)),
      owner_(owner),
      acceptor_(io.get_executor()),
      accept_timer_(io.get_executor()),
      idle_timer_(io.get_executor()) {
  for (const PeerProcess& process : config_.others) {
    CHASQUI_ASSERT(process.process != config_.self.process, "a process needs no link to itself");
    others_[process.process] = process.nodes;
    auto peer = std::make_unique<Peer>(config_.queue);
    peer->process = process;
    peer->timer = std::make_unique<Timer>(io.get_executor());
    peers_.emplace(process.process, std::move(peer));
  }
  close_idle();
}

PeerLinks::~PeerLinks() {
  stop();
}

Endpoint PeerLinks::endpoint() const {
  ErrorCode ignored;
  return acceptor_.local_endpoint(ignored);
}

void PeerLinks::set_endpoint(ProcessId process, PeerEndpoint endpoint) {
  if (Peer* peer = find(process)) {
    peer->process.endpoint = std::move(endpoint);
  }
}

PeerLinks::Peer* PeerLinks::find(ProcessId process) {
  const auto found = peers_.find(process);
  return found == peers_.end() ? nullptr : found->second.get();
}

void PeerLinks::stop() {
  is_stopped_ = true;
  ErrorCode ignored;
  acceptor_.close(ignored);
  accept_timer_.cancel();
  idle_timer_.cancel();
  for (const auto& stranger : strangers_) {
    stranger->abort();
  }
  strangers_.clear();
  for (const auto& [process, peer] : peers_) {
    stop_dialling(*peer);
    peer->timer->cancel();
    for (std::shared_ptr<PeerLink>* link : {&peer->link, &peer->candidate}) {
      if (*link) {
        (*link)->abort();
        link->reset();
      }
    }
  }
}

PeerLinks::Stats PeerLinks::stats() const {
  Stats stats{0, 0, 0, refused_, dials_};
  for (const auto& [process, peer] : peers_) {
    stats.links += static_cast<std::size_t>(peer->link != nullptr);
    stats.queued_bytes += peer->queue.bytes();
    stats.dropped_frames += peer->queue.dropped();
  }
  return stats;
}

// ---------------------------------------------------------------------------------------------------------- sending

void PeerLinks::send(PeerMail mail) {
  Peer* peer = find(process_of(mail.to));
  if (peer == nullptr || is_stopped_) {
    return;
  }
  peer->queue.push(std::move(mail));
  if (!peer->is_to_flush) {
    peer->is_to_flush = true;
    to_flush_.push_back(peer);
  }
}

void PeerLinks::flush() {
  for (Peer* peer : std::exchange(to_flush_, {})) {
    peer->is_to_flush = false;
    if (peer->link) {
      write(*peer);
    } else if (is_free(*peer)) {
      dial(*peer);
    }
  }
}

void PeerLinks::write(Peer& peer) {
  if (peer.link) {
    peer.link->write(peer.queue);
  }
}

void PeerLinks::on_link_writable(PeerLink& link) {
  if (Peer* peer = find(link.process()); peer != nullptr && peer->link.get() == &link) {
    write(*peer);
  }
}

// ---------------------------------------------------------------------------------------------------------- dialling

void PeerLinks::dial(Peer& peer) {
  dials_++;
  peer.dial = dial_peer(io_, peer.process.endpoint.host, peer.process.endpoint.port, config_.times.hello,
                        [this, &peer](absl::StatusOr<Socket> socket) { on_dialled(peer, std::move(socket)); });
}

void PeerLinks::on_dialled(Peer& peer, absl::StatusOr<Socket> socket) {
  peer.dial.reset();
  if (!socket.ok()) {
    return failed(peer, socket.status());
  }
  peer.outgoing = make_link(*std::move(socket), true);
  peer.outgoing->start();
}

std::shared_ptr<PeerLink> PeerLinks::make_link(Socket socket, bool dialled) {
  ErrorCode ignored;
  const Endpoint other = socket.remote_endpoint(ignored);
  SslPointer ssl;
  if (config_.tls) {
    ssl = dialled ? config_.tls->connecting(socket.native_handle()) : config_.tls->accepting(socket.native_handle());
  }
  Limits unhurried;  // a peer is read as fast as it comes: it is bounded by its own queue, and by ours
  unhurried.socket_read_burst_bytes = unhurried.socket_read_bytes_per_s = std::uint64_t{1} << 40;
  PeerLinkOwner& owner = *this;
  return std::make_shared<PeerLink>(Stream(std::move(socket), std::move(ssl), unhurried), dialled,
                                    to_address(other.address()), config_.self.process, config_.times, owner);
}

void PeerLinks::stop_dialling(Peer& peer) {
  if (peer.dial) {
    peer.dial->cancel();
    peer.dial.reset();
  }
  if (peer.outgoing) {
    peer.outgoing->abort();
    peer.outgoing.reset();
  }
}

// A try that came to nothing, or a link that ended: what waited is gone, and the next try waits its turn.
void PeerLinks::failed(Peer& peer, const absl::Status& why) {
  const bool was_linked = peer.told == Peer::Told::Reachable;
  peer.queue.clear();
  if (was_linked || peer.told == Peer::Told::Nothing) {
    owner_.on_peer_event(
        false,
        absl::StrCat("process ", peer.process.process.value(), " cannot be reached: ", std::string(why.message())), "");
  }
  if (absl::IsNotFound(why)) {
    tell(peer, Peer::Told::Dead);
    peer.probes = false;
  } else if (peer.told != Peer::Told::Dead) {
    tell(peer, Peer::Told::Unreachable);
  }
  constexpr unsigned probes_max = 6;
  peer.probes = was_linked ? !absl::IsNotFound(why) : peer.probes && peer.failures < probes_max;
  const unsigned failures = peer.failures++;
  if (was_linked && failures == 0 && peer.probes) {
    return dial(peer);
  }
  const Duration delay = retry_delay(failures);
  peer.waits = true;
  peer.timer->expires_after(std::chrono::nanoseconds(delay.ns));
  peer.timer->async_wait([this, &peer, alive = std::weak_ptr<int>(alive_)](ErrorCode cancelled) {
    if (cancelled || alive.expired()) {
      return;
    }
    peer.waits = false;
    if (!is_stopped_ && is_free(peer) && (peer.probes || !peer.queue.is_empty())) {
      dial(peer);
    }
  });
}

// Full jitter (RELIABILITY.md section 5).
Duration PeerLinks::retry_delay(unsigned failures) {
  const std::int64_t cap = config_.times.retry_cap.ns;
  const std::int64_t most = std::min(cap, config_.times.retry_base.ns << std::min(failures, 16U));
  return {std::uniform_int_distribution<std::int64_t>(0, most)(random_)};
}

void PeerLinks::tell(Peer& peer, Peer::Told what) {
  if (std::exchange(peer.told, what) == what) {
    return;
  }
  if (what == Peer::Told::Reachable) {
    owner_.on_peer_reachable(peer.process.process);
  } else {
    owner_.on_peer_unreachable(peer.process.process, what == Peer::Told::Dead);
  }
}

// --------------------------------------------------------------------------------------------------- a link's course

void PeerLinks::stand(Peer& peer, std::shared_ptr<PeerLink> link) {
  stop_dialling(peer);
  if (peer.candidate) {
    peer.candidate->abort();
    peer.candidate.reset();
  }
  if (peer.link) {  // the other side has lost it: whatever it still holds is older than what comes now
    peer.link->abort();
    peer.link.reset();
    tell(peer, Peer::Told::Unreachable);
  }
  peer.timer->cancel();
  peer.waits = false;
  peer.probes = false;
  peer.link = std::move(link);
  peer.stood_since = mono_now();
  if (peer.told != Peer::Told::Reachable) {
    owner_.on_peer_event(false, absl::StrCat("process ", peer.process.process.value(), " is linked"), "");
  }
  tell(peer, Peer::Told::Reachable);
  write(peer);
}

void PeerLinks::on_link_end(PeerLink& link, const absl::Status& why, const peer::PeerClosing& closing) {
  const bool is_wrong = absl::IsInvalidArgument(why) || absl::IsDataLoss(why) || absl::IsUnauthenticated(why);
  if (is_wrong) {
    refused_++;
    log_refusal(absl::IsUnauthenticated(why) ? "certificate" : "garbage", address_of(link),
                absl::StrCat("a link was refused: ", std::string(why.message())));
  }
  if (take_stranger(link)) {
    return;
  }
  for (const auto& [process, owned] : peers_) {
    Peer& peer = *owned;
    if (peer.candidate.get() == &link) {
      peer.candidate.reset();
      return flush();
    }
    if (peer.outgoing.get() == &link) {
      peer.outgoing.reset();
      if (closing.reason() == peer::PeerClosing::TIE) {
        return;  // the other side's own link is on its way; if it is not, the next frame dials
      }
      if (closing.reason() == peer::PeerClosing::REFUSED) {
        log_refusal("refused by", address_of(link),
                    absl::StrCat("process ", process.value(), " refused this one: ", closing.why()));
      }
      return failed(peer, why);
    }
    if (peer.link.get() == &link) {
      peer.link.reset();
      const MonoTime now = mono_now();
      if (closing.reason() == peer::PeerClosing::IDLE &&
          now - link.last_sent_frame() > Duration{config_.times.idle.ns / 4}) {
        return;  // nothing was under way
      }
      if (now - peer.stood_since >= config_.times.retry_cap) {
        peer.failures = 0;  // it was no flapping one
      }
      return failed(peer, why);
    }
  }
}

void PeerLinks::on_link_frame(PeerLink& link, const wire::PeerAddress& address, std::string frame) {
  const Peer* peer = find(link.process());
  if (peer == nullptr || peer->link.get() != &link) {
    return;
  }
  const std::vector<NodeId>& theirs = peer->process.nodes;
  if (std::find(theirs.begin(), theirs.end(), address.from) == theirs.end() ||
      config_.self.stores.find(address.to) == config_.self.stores.end()) {
    return;  // a node that is none here: of another configuration, and the hello will say so
  }
  owner_.on_peer_frame(address.from, address.to, std::move(frame));
}

void PeerLinks::close_idle() {
  idle_timer_.expires_after(std::chrono::nanoseconds(std::max(config_.times.idle.ns / 8, config_.times.look.ns)));
  idle_timer_.async_wait([this, alive = std::weak_ptr<int>(alive_)](ErrorCode cancelled) {
    if (cancelled || alive.expired() || is_stopped_) {
      return;
    }
    const MonoTime now = mono_now();
    for (const auto& [process, peer] : peers_) {
      if (peer->link && peer->queue.is_empty() && now - peer->link->last_frame() >= config_.times.idle) {
        const auto link = std::exchange(peer->link, nullptr);
        link->finish(peer::PeerClosing::IDLE, "nothing was said for a while");
      }
    }
    close_idle();
  });
}

}  // namespace chasqui
