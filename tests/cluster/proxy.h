// The links between processes go through here: one proxy for each process that dials another, on loopback, by a thread
// of its own. What goes from one process to another may be late, slow, held back or lost with its connection.
//
// A stream is never changed and never reordered: that is what TCP promises. A lost packet is a late one, and whatever
// follows it is late too.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <deque>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace chasqui::cluster {

// Of one direction between two processes.
struct Weather {
  std::uint32_t delay_ms = 0;
  std::uint32_t jitter_ms = 0;       // at most, on top of it
  std::uint32_t lost_per_mille = 0;  // of pieces, each of which comes once more after `again_ms`
  std::uint32_t again_ms = 200;      // what TCP waits at least before it sends again
  std::uint64_t bytes_per_s = 0;     // 0: as fast as it can
  bool is_held = false;              // nothing arrives, nobody is told
};

class Proxies {
 public:
  // `targets`: where each process listens, HOST:PORT.
  explicit Proxies(const std::vector<std::string>& targets) {
    for (std::size_t from = 0; from < targets.size(); ++from) {
      for (std::size_t to = 0; to < targets.size(); ++to) {
        links_.push_back(std::make_unique<Link>(io_, from, to, targets[to], targets.size()));
      }
    }
    weather_.resize(links_.size());
    nodes_ = targets.size();
    for (const auto& link : links_) {
      if (link->from != link->to) accept(*link);
    }
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Proxies() {
    io_.stop();
    thread_.join();
  }
  Proxies(const Proxies&) = delete;
  Proxies& operator=(const Proxies&) = delete;

  // What `from` takes for the address of each process.
  [[nodiscard]] std::vector<std::string> addresses_for(std::size_t from) const {
    std::vector<std::string> all;
    for (std::size_t to = 0; to < nodes_; ++to) {
      all.push_back(absl::StrCat("127.0.0.1:", links_[from * nodes_ + to]->acceptor.local_endpoint().port()));
    }
    return all;
  }
  // From now on, whoever dialled the connection.
  void set(std::size_t from, std::size_t to, const Weather& weather) {
    boost::asio::post(io_, [this, at = from * nodes_ + to, weather] {
      weather_[at] = weather;
      for (const auto& link : links_) link->wake();
    });
  }
  // All connections between the two end at once, without a goodbye.
  void reset(std::size_t a, std::size_t b) {
    boost::asio::post(io_, [this, a, b] {
      for (const std::size_t at : {a * nodes_ + b, b * nodes_ + a}) links_[at]->reset(resets_);
    });
  }
  void clear() {
    for (std::size_t from = 0; from < nodes_; ++from) {
      for (std::size_t to = 0; to < nodes_; ++to) set(from, to, {});
    }
  }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t late_pieces() const { return late_pieces_; }
  [[nodiscard]] std::uint64_t resets() const { return resets_; }

 private:
  using Tcp = boost::asio::ip::tcp;
  using Error = boost::system::error_code;
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t queue_bytes_max = 256 << 10;  // what is on its way; then the sender has to wait

  struct Piece {
    Clock::time_point due;
    std::string bytes;
  };

  // One direction of a connection.
  struct Way {
    Way(boost::asio::io_context& io, std::size_t weather_at) : weather(weather_at), timer(io) {}
    std::size_t weather;
    boost::asio::steady_timer timer;
    std::array<char, 16 << 10> in{};
    std::deque<Piece> queue;
    std::size_t queued_bytes = 0;
    Clock::time_point last_due;
    bool is_reading = false;
    bool is_writing = false;
    bool has_ended = false;  // the sender said goodbye
  };

  struct Connection : std::enable_shared_from_this<Connection> {
    Connection(boost::asio::io_context& io, Proxies& owner, Tcp::socket accepted, std::size_t there, std::size_t back)
        : proxies(owner), sockets{std::move(accepted), Tcp::socket(io)}, ways{Way(io, there), Way(io, back)} {}

    void start(const Tcp::endpoint& target) {
      sockets[1].async_connect(target, [self = shared_from_this()](Error error) {
        if (error) return self->close();
        for (Tcp::socket& socket : self->sockets) socket.set_option(Tcp::no_delay(true));
        self->read(0);
        self->read(1);
      });
    }
    void read(std::size_t from) {
      Way& way = ways[from];
      if (way.is_reading || way.has_ended || way.queued_bytes >= queue_bytes_max) return;
      way.is_reading = true;
      sockets[from].async_read_some(boost::asio::buffer(way.in),
                                    [self = shared_from_this(), from](Error error, std::size_t count) {
                                      Way& mine = self->ways[from];
                                      mine.is_reading = false;
                                      if (error) {
                                        if (error != boost::asio::error::eof) return self->close();
                                        mine.has_ended = true;
                                        return self->write(from);
                                      }
                                      self->proxies.put(mine, std::string(mine.in.data(), count));
                                      self->write(from);
                                      self->read(from);
                                    });
    }
    // What is due, and later what will be.
    void write(std::size_t from) {
      Way& way = ways[from];
      if (way.is_writing || proxies.weather_[way.weather].is_held) return;
      if (way.queue.empty()) return way.has_ended ? close() : void();
      const auto due = way.queue.front().due;
      if (due > Clock::now()) {
        way.timer.expires_at(due);
        way.timer.async_wait([self = shared_from_this(), from](Error cancelled) {
          if (!cancelled) self->write(from);
        });
        return;
      }
      way.is_writing = true;
      boost::asio::async_write(sockets[1 - from], boost::asio::buffer(way.queue.front().bytes),
                               [self = shared_from_this(), from](Error error, std::size_t count) {
                                 Way& mine = self->ways[from];
                                 mine.is_writing = false;
                                 if (error) return self->close();
                                 mine.queued_bytes -= count;
                                 mine.queue.pop_front();
                                 self->proxies.bytes_ += count;
                                 self->write(from);
                                 self->read(from);
                               });
    }
    void close() {
      Error ignored;
      for (Tcp::socket& socket : sockets) socket.close(ignored);
      for (Way& way : ways) way.timer.cancel();
    }
    void reset() {
      Error ignored;
      for (Tcp::socket& socket : sockets) socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);
      close();
    }
    [[nodiscard]] bool is_open() const { return sockets[0].is_open(); }

    Proxies& proxies;
    std::array<Tcp::socket, 2> sockets;  // who dialled, and who was dialled
    std::array<Way, 2> ways;
  };

  struct Link {
    Link(boost::asio::io_context& io, std::size_t dials, std::size_t dialled, const std::string& address,
         std::size_t nodes)
        : from(dials),
          to(dialled),
          there(dials * nodes + dialled),
          back(dialled * nodes + dials),
          target(boost::asio::ip::make_address(address.substr(0, address.rfind(':'))),
                 static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)))),
          acceptor(io, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {}
    void wake() {
      for (const auto& connection : connections) {
        for (const std::size_t way : {std::size_t{0}, std::size_t{1}}) connection->write(way);
      }
    }
    void reset(std::atomic<std::uint64_t>& count) {
      for (const auto& connection : connections) {
        if (connection->is_open()) ++count;
        connection->reset();
      }
      connections.clear();
    }

    std::size_t from;
    std::size_t to;
    std::size_t there;
    std::size_t back;
    Tcp::endpoint target;
    Tcp::acceptor acceptor;
    std::list<std::shared_ptr<Connection>> connections;
  };

  void accept(Link& link) {
    link.acceptor.async_accept([this, &link](Error error, Tcp::socket socket) {
      if (error) return;
      link.connections.remove_if([](const auto& connection) { return !connection->is_open(); });
      link.connections.push_back(std::make_shared<Connection>(io_, *this, std::move(socket), link.there, link.back));
      link.connections.back()->start(link.target);
      accept(link);
    });
  }

  void put(Way& way, std::string bytes) {
    const Weather& weather = weather_[way.weather];
    const auto ms = [](std::uint64_t count) { return std::chrono::milliseconds(count); };
    Clock::time_point due = Clock::now() + ms(weather.delay_ms);
    if (weather.jitter_ms != 0) due += ms(random_() % (weather.jitter_ms + 1));
    if (weather.lost_per_mille != 0 && random_() % 1'000 < weather.lost_per_mille) due += ms(weather.again_ms);
    due = std::max(due, way.last_due);
    if (weather.bytes_per_s != 0) due += std::chrono::microseconds(bytes.size() * 1'000'000 / weather.bytes_per_s);
    if (due > Clock::now()) ++late_pieces_;
    way.last_due = due;
    way.queued_bytes += bytes.size();
    way.queue.push_back({due, std::move(bytes)});
  }

  boost::asio::io_context io_{1};
  std::size_t nodes_ = 0;
  std::vector<std::unique_ptr<Link>> links_;  // from * nodes + to
  std::vector<Weather> weather_;              // likewise
  std::mt19937_64 random_{1};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> late_pieces_{0};
  std::atomic<std::uint64_t> resets_{0};
  std::thread thread_;
};

}  // namespace chasqui::cluster
