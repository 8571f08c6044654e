#include "net/peer_link.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <boost/asio/write.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "net/clock.h"

namespace chasqui {

namespace asio = boost::asio;

PeerLink::PeerLink(Stream stream, bool dialled, const Address& address, ProcessId self, const PeerTimes& times,
                   PeerLinkOwner& owner)
    : stream_(std::move(stream)),
      dialled_(dialled),
      address_(address),
      self_(self),
      times_(times),
      owner_(&owner),
      timer_(stream_.get_executor()),
      begun_(mono_now()),
      sent_frame_(begun_),
      got_frame_(begun_) {}

void PeerLink::start() {
  look();
  stream_.async_handshake([self = shared_from_this()](ErrorCode error) {
    if (self->state_ != State::Opening) {
      return;
    }
    if (error) {
      // Whoever came without a word is a probe or a client that changed its mind: no news.
      return self->end(error == asio::error::eof
                           ? absl::UnavailableError("closed before a word was said")
                           : absl::UnauthenticatedError(absl::StrCat("the TLS handshake failed: ", error.message())));
    }
    self->state_ = State::Greeting;
    self->owner_->on_link_open(*self);
    if (self->state_ != State::Ended) {
      self->read();
    }
  });
}

void PeerLink::say(std::string_view frame) {
  wire::append_addressed({NodeId(self_.value()), NodeId()}, frame, own_);
  if (writing_.empty()) {
    writing_.swap(own_);
    write_some();
  }
}

void PeerLink::trust(ProcessId process) {
  process_ = process;
  state_ = State::Greeted;
  splitter_.raise_limit(wire::addressed_bytes_max);
}

bool PeerLink::write(PeerQueue& queue) {
  if (!writing_.empty() || state_ != State::Greeted) {
    return false;
  }
  writing_.swap(own_);
  const std::size_t before = writing_.size();
  while (!queue.is_empty() && writing_.size() < write_bytes_max) {
    const PeerMail mail = queue.pop();
    wire::append_addressed({mail.from, mail.to}, mail.bytes, writing_);
  }
  if (writing_.size() != before) {
    sent_frame_ = mono_now();
  }
  if (writing_.empty()) {
    return false;
  }
  write_some();
  return true;
}

void PeerLink::write_some() {
  const MonoTime now = mono_now();
  if (asked_ == MonoTime::never() || asked_ < stream_.heard()) {
    asked_ = now;
    has_pinged_ = false;
  }
  stream_.async_write_some(asio::buffer(writing_) + written_,
                           [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
                             if (self->state_ == State::Ended) {
                               return;
                             }
                             if (error) {
                               return self->end(absl::UnavailableError(error.message()));
                             }
                             self->plain_written_ += bytes;
                             self->written_ += bytes;
                             if (self->written_ < self->writing_.size()) {
                               return self->write_some();
                             }
                             self->written_ = 0;
                             self->writing_ = std::string();  // not clear(): a large piece would be held while idle
                             if (!self->own_.empty()) {
                               self->writing_.swap(self->own_);
                               return self->write_some();
                             }
                             if (self->state_ == State::Finishing) {
                               return self->stream_.async_shutdown([self](ErrorCode) { self->close(); });
                             }
                             if (self->state_ == State::Greeted) {
                               self->owner_->on_link_writable(*self);
                             }
                           });
}

void PeerLink::read() {
  stream_.async_read_some(asio::buffer(in_), [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
    if (self->state_ == State::Ended || self->state_ == State::Finishing) {
      return;
    }
    if (error) {
      return self->end(absl::UnavailableError(error == asio::error::eof ? "the other side closed" : error.message()));
    }
    self->on_bytes(bytes);
    if (self->state_ == State::Greeting || self->state_ == State::Greeted) {
      self->read();
    }
  });
}

void PeerLink::on_bytes(std::size_t bytes) {
  heard_anything_ = true;
  std::vector<std::string> bodies;
  const absl::Status status = splitter_.take(std::string_view(in_.data(), bytes), bodies);
  for (std::string& body : bodies) {
    take(std::move(body));
    if (state_ != State::Greeting && state_ != State::Greeted) {
      return;
    }
  }
  if (!status.ok()) {
    end(status);
  }
}

void PeerLink::take(std::string body) {
  const std::optional<wire::PeerAddress> address = wire::take_address(body);
  if (!address || (state_ == State::Greeting && address->to)) {
    return end(absl::InvalidArgumentError("what came is no frame of a peer link"));
  }
  if (state_ == State::Greeted && !is_confirmed_) {
    is_confirmed_ = true;
    owner_->on_link_confirmed(*this);
    if (state_ != State::Greeted) {
      return;
    }
  }
  if (!address->to) {
    return take_own(body);
  }
  // A process speaks for its own nodes alone.
  if (process_of(address->from) != process_ || process_of(address->to) != self_) {
    return end(absl::InvalidArgumentError(absl::StrCat("it sent a frame from node ", address->from.value(), " to node ",
                                                       address->to.value(), ", which are not the link's")));
  }
  got_frame_ = mono_now();
  owner_->on_link_frame(*this, *address, std::move(body));
}

void PeerLink::take_own(const std::string& body) {
  const absl::StatusOr<peer::PeerFrame> frame = wire::parse_peer_frame(body);
  if (!frame.ok()) {
    return end(frame.status());
  }
  if (frame->has_closing()) {
    return end(absl::AbortedError(frame->closing().why()), frame->closing());
  }
  if (state_ == State::Greeting) {
    if (!frame->has_hello()) {
      return end(absl::InvalidArgumentError("its first frame is no hello"));
    }
    is_confirmed_ = dialled_;  // we confirm, not the other side
    return owner_->on_link_hello(*this, frame->hello());
  }
  if (frame->has_ping() && !frame->ping().is_answer()) {
    say(ping_frame(true));
  }
  // Other kinds are of a later version: ignored.
}

// Every `look`, from the beginning to the end.
void PeerLink::look() {
  timer_.expires_after(std::chrono::nanoseconds(times_.look.ns));
  timer_.async_wait([self = shared_from_this()](ErrorCode cancelled) {
    if (cancelled || self->state_ == State::Ended) {
      return;
    }
    if (const absl::Status status = self->check(mono_now()); !status.ok()) {
      return self->end(status);
    }
    self->look();
  });
}

absl::Status PeerLink::check(MonoTime now) {
  if (state_ == State::Finishing || !is_confirmed_) {
    return now - begun_ < times_.hello ? absl::OkStatus() : absl::UnavailableError("it did not say who it is in time");
  }
  const MonoTime heard = stream_.heard();
  if (asked_ != MonoTime::never() && asked_ >= heard) {
    const Duration waited = now - asked_;
    if (waited >= times_.dead) {
      if (const std::uint64_t acknowledged = acknowledged_bytes(); acknowledged > acknowledged_) {
        acknowledged_ = acknowledged;
        asked_ = now;
        return absl::OkStatus();
      }
      return absl::UnavailableError(absl::StrCat("nothing was heard for ", waited.ns / 1'000'000, " ms"));
    }
    if (waited.ns * 4 >= times_.dead.ns && !has_pinged_) {
      has_pinged_ = true;
      say(ping_frame(false));
    }
  } else if (now - heard >= times_.quiet) {
    asked_ = now;
    has_pinged_ = true;
    say(ping_frame(false));
  }
  return absl::OkStatus();
}

// How far a backlog has shrunk; small ones count as none: a paused process's system acknowledges what fits its buffers.
std::uint64_t PeerLink::acknowledged_bytes() {
  constexpr int backlog_bytes_min = 64 * 1024;
  int backlog = 0;
  if (ioctl(stream_.socket().native_handle(), SIOCOUTQ, &backlog) != 0 || backlog < backlog_bytes_min) {
    return 0;
  }
  const std::uint64_t written = ssl() != nullptr ? BIO_number_written(SSL_get_wbio(ssl())) : plain_written_;
  return written - std::min<std::uint64_t>(written, static_cast<std::uint64_t>(backlog));
}

void PeerLink::finish(peer::PeerClosing::Reason reason, std::string_view why) {
  if (state_ == State::Ended || state_ == State::Finishing) {
    return;
  }
  const auto kept = shared_from_this();
  if (state_ == State::Opening) {
    return abort();
  }
  state_ = State::Finishing;
  begun_ = {mono_now().ns + seconds(1).ns - times_.hello.ns};  // a second from now a look ends it
  owner_ = nullptr;
  say(closing_frame(reason, why));
}

void PeerLink::abort() {
  owner_ = nullptr;
  close();
}

void PeerLink::end(absl::Status why, const peer::PeerClosing& closing) {
  if (state_ == State::Ended) {
    return;
  }
  const auto kept = shared_from_this();
  PeerLinkOwner* owner = std::exchange(owner_, nullptr);
  close();
  if (owner != nullptr) {
    owner->on_link_end(*this, why, closing);
  }
}

void PeerLink::close() {
  state_ = State::Ended;
  timer_.cancel();
  stream_.close();
}

}  // namespace chasqui
