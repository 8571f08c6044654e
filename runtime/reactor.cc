#include "runtime/reactor.h"

#include <sodium.h>

#include <boost/asio/post.hpp>
#include <csignal>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "net/clock.h"
#include "runtime/logging.h"
#include "runtime/peer_exchange.h"

namespace chasqui {

namespace asio = boost::asio;
using logging::Level;
using logging::log;

namespace {

template <class... Functions>
struct Visitor : Functions... {
  using Functions::operator()...;
};

Seed new_seed() {
  Seed seed{};
  randombytes_buf(seed.data(), seed.size());
  return seed;
}

NodeConfig node_config(const Config& config, const NodeSeat& seat, const storage::NodeStore& store) {
  NodeConfig node;
  node.node = seat.node;
  node.members = seat.members;
  node.shards = store.format().shards;
  node.cluster = store.format().cluster;
  node.version = "chasqui/0.1.0";
  node.limits = config.limits;
  return node;
}

// Until the state is flushed a kill -9 has each entry applied again, small ones as well: 64 MiB are 60,000 of these.
constexpr std::uint64_t replay_bytes = 1'024;
constexpr auto log_stuck_after = std::chrono::seconds(20);
constexpr auto log_look_interval = std::chrono::seconds(5);

}  // namespace

Reactor::Reactor(const Config& config, NodeSeat seat, storage::NodeStore& store, std::shared_ptr<TlsContext> tls,
                 ReactorOwner& owner, std::function<void(const absl::Status&)> failed)
    : config_(config),
      seat_(std::move(seat)),
      store_(store),
      owner_(owner),
      failed_(std::move(failed)),
      node_(node_config(config, seat_, store), store.store(), store.take_log(), new_seed()),
      server_(io_, ServerConfig{config.limits, config.http_origins, "chasqui/0.1.0", std::move(tls)}, *this),
      admin_(io_, *this),
      started_(mono_now()),
      read_pool_(store.store(), config.limits.reads_outstanding_max, [this](ReadDone done) { post(std::move(done)); }),
      stream_files_(
          store, [this](Input done) { post(std::move(done)); }, failed_),
      passwords_pool_(config.limits, [this](PasswordHashed done) { post(std::move(done)); }),
      log_thread_(
          LogSink{[&store](std::span<const LogAppend> group) { return store.log().write(group); },
                  [&store] { return store.log().gap_due(); }, [&store] { return store.log().close_gap(); }},
          [this](AppendId id) { on_synced(id); }, [&store](const absl::Status& status) { store.fail(status); }),
      pressure_watch_(
          store, flush_bytes_for(store.disk().disk_bytes()), [this](Pressure pressure) { post(pressure); }, failed_) {}

Reactor::~Reactor() {
  store_.store().set_on_flushed(nullptr);
  pressure_watch_.stop();
  log_thread_.stop();
  read_pool_.stop();
  stream_files_.stop();
  passwords_pool_.stop();
}

absl::Status Reactor::listen(const Endpoint& endpoint, bool is_shared) {
  return server_.listen(endpoint, is_shared);
}

absl::Status Reactor::listen_admin() {
  return admin_.listen(config_.data_dir + "/admin.sock");
}

void Reactor::wake() {
  asio::post(io_, [] {});
}

void Reactor::run() {
  if (seat_.place == 0) {
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    signals_.add(SIGHUP);
    wait_for_signal();
  }
  store_.store().set_on_flushed(
      [this](std::vector<StoreFlushed::Shard> shards) { post(StoreFlushed{std::move(shards)}); });
  inputs_.emplace_back(StoreFlushed{store_.store().flushed_applied()});
  inputs_.emplace_back(pressure_ = pressure_watch_.start());
  inputs_.emplace_back(Tick{});
  turn();
  constexpr int handlers_max = 1'024;  // so that a flood of what is ready cannot keep the node from stepping
  while (!is_done_) {
    io_.run_one();
    for (int i = 0; i < handlers_max && io_.poll_one() != 0; i++) {
    }
    turn();
  }
  server_.abort_all();
  admin_.stop();
  owner_.on_node_done(seat_.place);
}

// ------------------------------------------------------------------------------------------------------ what came in

void Reactor::on_session_opened(SessionId session, const Address& address) {
  if (logging::is_on(Level::Debug)) {
    log(Level::Debug, "session opened", {{"session", session.value()}, {"from", redacted(address)}});
  }
  inputs_.emplace_back(SessionOpened{session, address});
}

void Reactor::on_session_frame(SessionId session, std::string bytes) {
  inputs_.emplace_back(SessionFrame{session, std::move(bytes)});
}

void Reactor::on_session_writable(SessionId session, std::uint64_t bytes) {
  inputs_.emplace_back(SessionWritable{session, bytes});
}

void Reactor::on_session_closed(SessionId session) {
  inputs_.emplace_back(SessionClosed{session});
}

std::optional<AccountAnswer> Reactor::refuse_password(const AccountRequest& request) const {
  const Limits& limits = config_.limits;
  const std::string_view password = request.password.reveal();
  AccountAnswer refused;
  refused.code = 3;
  if (password.size() > limits.password_bytes_max) {
    refused.message = absl::StrCat("the password is over ", limits.password_bytes_max, " bytes: choose a shorter one");
    return refused;
  }
  if (request.create && password.size() < limits.password_bytes_min) {
    refused.message = absl::StrCat("the password is under ", limits.password_bytes_min,
                                   " bytes: choose a longer one, a sentence for example");
    return refused;
  }
  if (request.create && absl::AsciiStrToLower(text(password)) == absl::AsciiStrToLower(request.handle)) {
    refused.message = "the password is the handle: choose another one";
    return refused;
  }
  return std::nullopt;
}

void Reactor::on_account_call(CallId call, const Address& address, AccountRequest request) {
  if (auto refused = refuse_password(request)) {
    asio::post(io_, [this, call, answer = *std::move(refused)] { server_.answer(call, answer); });
    return;
  }
  passwords_.emplace(call.value(), std::move(request.password));
  HttpCall input{call, address, {}};
  if (request.create) {
    input.body =
        CreateAccountCall{std::move(request.handle), std::move(request.device_name), std::move(request.secret_hash)};
  } else {
    input.body = LoginCall{std::move(request.handle), std::move(request.device_name), std::move(request.secret_hash)};
  }
  inputs_.emplace_back(std::move(input));
}

void Reactor::on_call_abandoned(CallId call) {
  passwords_.erase(call.value());
  inputs_.emplace_back(CallAbandoned{call});
}

void Reactor::on_provision(CallId call, ProvisionCall body) {
  inputs_.emplace_back(HttpCall{call, Address{}, std::move(body)});
}

void Reactor::on_net_event(std::string what) {
  log(Level::Info, what);
}

void Reactor::post(Input input) {
  asio::post(io_, [this, input = std::move(input)]() mutable {
    if (const auto* pressure = std::get_if<Pressure>(&input)) {
      pressure_ = *pressure;
    }
    inputs_.push_back(std::move(input));
  });
}

void Reactor::on_synced(AppendId id) {
  synced_ = id.value();
  if (!synced_posted_.exchange(true)) {
    asio::post(io_, [this] {
      synced_posted_ = false;  // before the number is read: a later sync posts anew
      inputs_.emplace_back(LogAppended{AppendId(synced_)});
    });
  }
}

// ---------------------------------------------------------------------------------------------------------- the turn

void Reactor::turn() {
  Now time = now();
  if (exchange_ != nullptr) {
    exchange_->take(seat_.place, inputs_);
  }
  if (node_.next_deadline() <= time.mono) {
    inputs_.emplace_back(Tick{});
  }
  constexpr std::size_t steps_per_clock = 32;  // a step may take a millisecond
  for (std::size_t i = 0; i < inputs_.size(); i++) {
    if (i % steps_per_clock == steps_per_clock - 1) {
      time = now();
    }
    node_.step(time, std::move(inputs_[i]), outputs_);
    steps_++;
    carry_out(time);  // may answer an HTTP call, which may bring the next one: the vector may grow
  }
  inputs_.clear();
  hand_over_appends();
  hand_over_reads();
  hand_over_peer_sends();
  server_.flush(log_thread_.bytes_in_flight() >= config_.limits.log_in_flight_bytes_max);
  arm_deadline();
  if (!is_ready_ && node_.ready()) {
    is_ready_ = true;
    owner_.on_node_ready(seat_.place);
  }
  if (is_stopping_ && server_.sessions() == 0 && server_.sockets_without_session() == 0 && node_.handed_over()) {
    // The links are the first one's: they carry what the others hand over.
    is_done_ = is_done_ || seat_.place != 0 || owner_.are_others_done();
  }
}

void Reactor::carry_out(Now now) {
  for (std::size_t i = 0; i < outputs_.size(); i++) {
    std::visit(Visitor{
                   [this](SessionSend& send) { server_.send(send.session, std::move(send.bytes)); },
                   [this](SessionClose& close) { server_.close(close.session, close.code, std::move(close.reason)); },
                   [this](const SessionRead& read) { server_.set_reading(read.session, read.on); },
                   [this](const PasswordWork& work) {
                     const auto found = passwords_.find(work.call.value());
                     passwords_pool_.submit(work, found == passwords_.end() ? Secret() : std::move(found->second));
                     passwords_.erase(work.call.value());
                   },
                   [this](HttpAnswer& answer) {
                     passwords_.erase(answer.call.value());
                     AccountAnswer told{answer.code,         std::move(answer.message), answer.retry_after_ms,
                                        answer.user.value(), answer.device.value(),     std::move(answer.handle)};
                     if (!admin_.answer(answer.call, told)) {
                       server_.answer(answer.call, std::move(told));
                     }
                   },
                   [this](PeerSend& send) { peer_sends_.push_back(std::move(send)); },
                   [this](LogAppend& append) { appends_.push_back(std::move(append)); },
                   [this](Read& read) { reads_.push_back(std::move(read)); },
                   [this, now](const Note& note) { notes_.take(note, now.mono); },
                   [this](const StreamOpen& open) { stream_files_.carry_out(open); },
                   [this](StreamRead& read) { stream_files_.carry_out(read); },
                   [this](StreamWrite& write) { stream_files_.carry_out(write); },
                   [this](StreamIngest& ingest) { stream_files_.carry_out(ingest); },
                   [this](const StreamClose& close) { stream_files_.carry_out(close); },
               },
               outputs_[i]);
  }
  outputs_.clear();
}

void Reactor::hand_over_appends() {
  if (appends_.empty()) {
    return;
  }
  std::uint64_t bytes = 0;
  for (const LogAppend& append : appends_) {
    bytes += LogThread::bytes_of(append);
  }
  const std::uint64_t appends_handed_over = appends_.size();
  log_thread_.submit(std::exchange(appends_, {}));
  pressure_watch_.wrote(bytes + appends_handed_over * replay_bytes);
  watch_log();
}

void Reactor::hand_over_reads() {
  if (reads_.empty()) {
    return;
  }
  // One snapshot for all: it is younger than each of them asked for.
  const std::shared_ptr<const storage::ReadSnapshot> snapshot = store_.store().snapshot();
  for (Read& read : reads_) {
    if (!read_pool_.submit(snapshot, std::move(read))) {
      log(Level::Error, "more reads wait than the node may ask for");
    }
  }
  reads_.clear();
}

// All of this turn at once, so that it leaves in one write to each peer.
void Reactor::hand_over_peer_sends() {
  if (!peer_sends_.empty() && exchange_ != nullptr) {
    exchange_->send(seat_.place, std::exchange(peer_sends_, {}));
  }
  peer_sends_.clear();
}

void Reactor::arm_deadline() {
  const MonoTime next = node_.next_deadline();
  if (next >= deadline_armed_) {
    return;  // it rings before, and looks again then
  }
  deadline_armed_ = next;
  deadline_timer_.expires_after(std::chrono::nanoseconds(std::max<std::int64_t>((next - mono_now()).ns, 0)));
  deadline_timer_.async_wait([this](ErrorCode cancelled) {
    if (!cancelled) {
      deadline_armed_ = MonoTime::never();
    }
  });
}

void Reactor::watch_log() {
  if (log_watched_) {
    return;
  }
  log_watched_ = true;
  log_timer_.expires_after(log_look_interval);
  log_timer_.async_wait([this](ErrorCode cancelled) {
    log_watched_ = false;
    if (cancelled || log_thread_.bytes_in_flight() == 0) {
      return;
    }
    const auto since = log_thread_.busy_since();
    if (since != std::chrono::steady_clock::time_point::max() &&
        std::chrono::steady_clock::now() - since >= log_stuck_after) {
      failed_(absl::InternalError("a write to the log has not come back for 20 s: the disk hangs"));
      return;
    }
    watch_log();
  });
}

}  // namespace chasqui
