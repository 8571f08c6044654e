// The side of PeerLinks that is dialled, and how each side judges what the other says of itself.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "net/clock.h"
#include "net/peer_links.h"

namespace chasqui {

namespace asio = boost::asio;

namespace {

constexpr std::size_t refusals_told_max = 1024;

}  // namespace

absl::Status PeerLinks::listen(const Endpoint& endpoint) {
  ErrorCode error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) {
    acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  }
  if (!error) {
    acceptor_.bind(endpoint, error);
  }
  if (!error) {
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    return absl::UnavailableError(absl::StrCat("cannot listen for peers on ", endpoint_text(endpoint), ": ",
                                               error.message(), ": see cluster.listen_peers"));
  }
  accept();
  return absl::OkStatus();
}

void PeerLinks::accept() {
  acceptor_.async_accept(
      io_.get_executor(), [this, alive = std::weak_ptr<int>(alive_)](ErrorCode error, Socket socket) {
        if (error == asio::error::operation_aborted || alive.expired() || is_stopped_) {
          return;
        }
        if (!error) {
          on_accepted(std::move(socket));
          return accept();
        }
        owner_.on_peer_event(true, absl::StrCat("cannot accept a peer's socket: ", error.message()), "");
        accept_timer_.expires_after(std::chrono::milliseconds(100));
        accept_timer_.async_wait([this, again = std::weak_ptr<int>(alive_)](ErrorCode cancelled) {
          if (!cancelled && !again.expired()) {
            accept();
          }
        });
      });
}

void PeerLinks::on_accepted(Socket socket) {
  ErrorCode error;
  (void)socket.remote_endpoint(error);
  if (error) {
    return;  // it has gone already
  }
  if (strangers_.size() >= strangers_max) {
    strangers_.front()->abort();
    strangers_.erase(strangers_.begin());
  }
  strangers_.push_back(make_link(std::move(socket), false));
  strangers_.back()->start();
}

std::shared_ptr<PeerLink> PeerLinks::take_stranger(PeerLink& link) {
  const auto found =
      std::find_if(strangers_.begin(), strangers_.end(), [&](const auto& stranger) { return stranger.get() == &link; });
  if (found == strangers_.end()) {
    return nullptr;
  }
  auto taken = std::move(*found);
  strangers_.erase(found);
  return taken;
}

void PeerLinks::on_link_open(PeerLink& link) {
  if (!link.is_dialled()) {
    return;  // the other side speaks first
  }
  for (const auto& [process, peer] : peers_) {
    if (peer->outgoing.get() == &link) {
      return link.say(hello_frame(config_.self, process));
    }
  }
}

PeerRefusal PeerLinks::check_certificate(PeerLink& link, ProcessId process) const {
  if (!config_.tls) {
    return {};
  }
  const absl::StatusOr<PeerName> name = PeerTls::name_of(link.ssl());
  if (!name.ok()) {
    return {"certificate", std::string(name.status().message())};
  }
  if (*name != PeerName{config_.tls->self().cluster, process}) {
    return {"certificate",
            absl::StrCat("it says that it is process ", process.value(), ", its certificate is of ", peer_uri(*name))};
  }
  return {};
}

void PeerLinks::on_link_hello(PeerLink& link, const peer::PeerHello& hello) {
  PeerChecked checked = check_hello(hello, config_.self, others_);
  const ProcessId process = checked.identity.process;
  if (checked.ok()) {
    checked.refusal = check_certificate(link, process);
  }
  if (checked.ok()) {
    if (const absl::Status known = owner_.check_stores(checked.identity); !known.ok()) {
      checked.refusal = {"store", std::string(known.message())};
    }
  }
  Peer* peer = find(process);
  if (checked.ok() && link.is_dialled() && (peer == nullptr || peer->outgoing.get() != &link)) {
    checked.refusal = {"address", absl::StrCat("process ", process.value(),
                                               " answers at the address of another one: see cluster.peers")};
  }
  if (!checked.ok()) {
    return on_hello_refused(link, checked.refusal);
  }
  // Between the two of them there is no third: the lower number's stays.
  if (!link.is_dialled() && peer->outgoing && config_.self.process < process) {
    const auto kept = take_stranger(link);
    return link.finish(peer::PeerClosing::TIE, "both dialled: the other link stays");
  }
  if (const absl::Status written = owner_.remember_stores(checked.identity); !written.ok()) {
    return on_hello_refused(link, {"store", std::string(written.message())});
  }
  link.trust(process);
  if (link.is_dialled()) {
    link.say(ping_frame(false));  // confirms
    return stand(*peer, std::exchange(peer->outgoing, nullptr));
  }
  stop_dialling(*peer);
  if (peer->candidate) {
    peer->candidate->abort();
  }
  peer->candidate = take_stranger(link);
  link.say(hello_frame(config_.self, process));
}

void PeerLinks::on_link_confirmed(PeerLink& link) {
  Peer* peer = find(link.process());
  if (peer != nullptr && peer->candidate.get() == &link) {
    stand(*peer, std::exchange(peer->candidate, nullptr));
  }
}

void PeerLinks::on_hello_refused(PeerLink& link, const PeerRefusal& refusal) {
  refused_++;
  log_refusal(refusal.cause, address_of(link), absl::StrCat("a link was refused: ", refusal.sentence));
  const auto stranger = take_stranger(link);
  std::shared_ptr<PeerLink> outgoing;
  Peer* dialled = nullptr;
  for (const auto& [process, peer] : peers_) {
    if (peer->outgoing.get() == &link) {
      dialled = peer.get();
      outgoing = std::exchange(peer->outgoing, nullptr);
    }
  }
  link.finish(peer::PeerClosing::REFUSED, refusal.sentence);
  if (dialled != nullptr) {
    failed(*dialled, absl::FailedPreconditionError(refusal.sentence));
  }
}

std::string PeerLinks::address_of(const PeerLink& link) const {
  return redacted(link.address());
}

void PeerLinks::log_refusal(std::string_view cause, const std::string& address, std::string sentence) {
  const MonoTime now = mono_now();
  if (refusals_told_.size() >= refusals_told_max) {
    refusals_told_.clear();
  }
  const auto [entry, is_new] = refusals_told_.try_emplace({std::string(cause), address}, now);
  if (!is_new && now - entry->second < config_.times.refusals_told) {
    return;
  }
  entry->second = now;
  owner_.on_peer_event(true, std::move(sentence), address);
}

}  // namespace chasqui
