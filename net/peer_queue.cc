#include "net/peer_queue.h"

#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "proto/peer.pb.h"

namespace chasqui {

bool is_raft(std::string_view frame) {
  using google::protobuf::internal::WireFormatLite;
  constexpr auto tag =
      WireFormatLite::MakeTag(peer::PeerFrame::kRaftFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  static_assert(tag < 0x80, "one byte");
  return !frame.empty() && static_cast<unsigned char>(frame.front()) == tag;
}

std::uint64_t PeerQueue::cost(const PeerMail& mail) {
  return mail.bytes.size() + sizeof(PeerMail);
}

bool PeerQueue::push(PeerMail mail) {
  const std::uint64_t bytes = cost(mail);
  const bool raft = is_raft(mail.bytes);
  if (raft && raft_bytes_ + bytes <= bounds_.raft_bytes_max && bytes_ + bytes > bounds_.bytes_max) {
    make_room(bytes);
  }
  const bool is_full = bytes_ + bytes > bounds_.bytes_max || (raft && raft_bytes_ + bytes > bounds_.raft_bytes_max);
  if (is_full && mail.word == PeerMail::Word::None) {
    dropped_++;
    return false;
  }
  bytes_ += bytes;
  raft_bytes_ += raft ? bytes : 0;
  mails_.push_back(std::move(mail));
  return true;
}

// The oldest go first; a little more than is needed, so that the next frames find room without another look.
void PeerQueue::make_room(std::uint64_t bytes) {
  const std::uint64_t slack = bounds_.bytes_max / 16;
  std::uint64_t to_free = bytes_ + bytes - bounds_.bytes_max + slack;
  std::uint64_t freed = 0;
  const auto kept = std::remove_if(mails_.begin(), mails_.end(), [&](const PeerMail& mail) {
    if (freed >= to_free || is_raft(mail.bytes) || mail.word != PeerMail::Word::None) {
      return false;
    }
    freed += cost(mail);
    dropped_++;
    return true;
  });
  mails_.erase(kept, mails_.end());
  bytes_ -= freed;
}

PeerMail PeerQueue::pop() {
  CHASQUI_ASSERT(!mails_.empty(), "one takes what is there");
  PeerMail mail = std::move(mails_.front());
  mails_.pop_front();
  const std::uint64_t bytes = cost(mail);
  bytes_ -= bytes;
  raft_bytes_ -= is_raft(mail.bytes) ? bytes : 0;
  return mail;
}

void PeerQueue::clear() {
  mails_.clear();
  bytes_ = raft_bytes_ = 0;
}

}  // namespace chasqui
