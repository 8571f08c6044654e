// One connection between two processes of a cluster, from the TLS handshake to its end: bytes in, frames out, both
// ways.
//
// What is said in which order: the one that dialled says hello, the other answers with its own, the first confirms with
// a ping; then frames go both ways. A link counts on the side that was dialled only when it is confirmed, so that a
// hello which lay in a paused process's backlog takes nobody's place. Who may speak, and what follows, is decided by
// its owner (peer_links.h).
//
// Dead is: nothing heard for `dead` after something was said. After a quarter of it a ping asks; a link where nobody
// has anything to say is asked as well. A backlog that still shrinks is life: a slow line is not a dead one.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/wire/addressed.h"
#include "core/wire/frames.h"
#include "net/peer_hello.h"
#include "net/peer_queue.h"
#include "net/stream.h"

namespace chasqui {

struct PeerTimes {
  Duration hello = seconds(3);        // from the socket to a link that stands
  Duration dead = seconds(2);         // unanswered
  Duration quiet = seconds(2);        // nothing heard, though nothing was said: ask
  Duration idle = seconds(60);        // no frame either way: closed
  Duration look = milliseconds(250);  // how often all this is looked at
  Duration retry_base = milliseconds(50);
  Duration retry_cap = seconds(2);
  Duration refusals_told = seconds(60);  // a line in the log for each cause and address, at most so often
};

class PeerLink;

// Called from handlers; each may end any link, also the one it is about.
class PeerLinkOwner {
 public:
  virtual void on_link_open(PeerLink& link) = 0;  // TLS stands; one that was dialled says hello now
  virtual void on_link_hello(PeerLink& link, const peer::PeerHello& hello) = 0;
  virtual void on_link_confirmed(PeerLink& link) = 0;
  virtual void on_link_frame(PeerLink& link, const wire::PeerAddress& address, std::string frame) = 0;
  virtual void on_link_writable(PeerLink& link) = 0;  // what was to be written has left
  // The last call. `why`: Unavailable: the network or the other side's end; InvalidArgument and DataLoss: what it sent
  // is no link's; Aborted: the other side closed for a reason, which is said.
  virtual void on_link_end(PeerLink& link, const absl::Status& why, const peer::PeerClosing& closing) = 0;

 protected:
  ~PeerLinkOwner() = default;
};

class PeerLink : public std::enable_shared_from_this<PeerLink> {
 public:
  PeerLink(Stream stream, bool dialled, const Address& address, ProcessId self, const PeerTimes& times,
           PeerLinkOwner& owner);
  PeerLink(const PeerLink&) = delete;
  PeerLink& operator=(const PeerLink&) = delete;

  void start();
  // A frame of the link itself, before what waits in queues.
  void say(std::string_view frame);
  // The other side's hello was good: it may send large frames from now on.
  void trust(ProcessId process);
  // Writes what waits, as one piece of at most write_bytes_max, if nothing is being written. True: it took something.
  bool write(PeerQueue& queue);
  // Says why, closes within a second, and calls its owner no more.
  void finish(peer::PeerClosing::Reason reason, std::string_view why);
  // At once; calls its owner no more.
  void abort();

  [[nodiscard]] bool is_dialled() const { return dialled_; }
  [[nodiscard]] ProcessId process() const { return process_; }  // 0: it has not said, or not well
  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] SSL* ssl() const { return stream_.ssl(); }
  [[nodiscard]] bool has_heard() const { return heard_anything_; }
  [[nodiscard]] MonoTime last_frame() const { return std::max(sent_frame_, got_frame_); }
  [[nodiscard]] MonoTime last_sent_frame() const { return sent_frame_; }

  static constexpr std::uint64_t write_bytes_max = 1 << 20;

 private:
  enum class State { Opening, Greeting, Greeted, Finishing, Ended };

  void read();
  void on_bytes(std::size_t bytes);
  void take(std::string body);
  void take_own(const std::string& body);  // a frame of the link itself
  void write_some();
  void look();
  [[nodiscard]] absl::Status check(MonoTime now);
  [[nodiscard]] std::uint64_t acknowledged_bytes();
  void end(absl::Status why, const peer::PeerClosing& closing = {});
  void close();

  Stream stream_;
  const bool dialled_;
  const Address address_;
  const ProcessId self_;
  const PeerTimes times_;
  PeerLinkOwner* owner_;
  Timer timer_;
  State state_ = State::Opening;
  ProcessId process_;
  bool is_confirmed_ = false;
  bool heard_anything_ = false;
  wire::FrameSplitter splitter_{hello_bytes_max};
  std::array<char, 64 * 1024> in_;
  std::string own_;      // frames of the link itself that wait
  std::string writing_;  // of which `written_` bytes have left
  std::size_t written_ = 0;
  MonoTime begun_;
  MonoTime asked_ = MonoTime::never();  // since when something is out that was not followed by anything heard
  bool has_pinged_ = false;             // since asked_
  std::uint64_t plain_written_ = 0;     // bytes, in all
  std::uint64_t acknowledged_ = 0;      // when last looked at
  MonoTime sent_frame_;
  MonoTime got_frame_;
};

}  // namespace chasqui
