#include "runtime/chasqui/home_socket.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <istream>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/chasqui/requests.h"

namespace chasqui::cli {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Local = asio::local::stream_protocol;
constexpr std::size_t connections_max = 64;
constexpr std::size_t waiting_bytes_max = 64 * 1024 * 1024;  // of replies that the other side does not read

// A socket's path may have 107 bytes at most; through the folder's descriptor any home fits.
std::string short_path(const Descriptor& folder) {
  return absl::StrCat("/proc/self/fd/", folder.get(), "/socket");
}

Descriptor open_folder(const Home& home) {
  return Descriptor(::open(home.folder().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

// Lines of JSON both ways. Ends itself at the first thing that is wrong.
class Lines : public std::enable_shared_from_this<Lines> {
 public:
  explicit Lines(Local::socket socket) : socket_(std::move(socket)), incoming_(channel_line_bytes_max) {}

  std::function<void(const json::object&)> on_line;
  std::function<void()> on_end;

  void read() {
    asio::async_read_until(socket_, incoming_, '\n',
                           [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                             if (error || !self->take_line()) return self->end();
                             self->read();
                           });
  }

  void write(const json::object& object) {
    if (ended_) return;
    waiting_.push_back(json::serialize(object) + "\n");
    waiting_bytes_ += waiting_.back().size();
    if (waiting_bytes_ > waiting_bytes_max) return end();
    if (waiting_.size() == 1) write_next();
  }

  void end() {
    if (std::exchange(ended_, true)) return;
    boost::system::error_code ignored;
    socket_.close(ignored);
    on_line = nullptr;
    if (const auto said = std::exchange(on_end, nullptr)) said();
  }

 private:
  bool take_line() {
    std::istream stream(&incoming_);
    std::string line;
    std::getline(stream, line);
    boost::system::error_code error;
    const json::value value = json::parse(line, error);
    if (error || !value.is_object()) return false;
    if (const auto hear = on_line) hear(value.get_object());
    return !ended_;
  }

  void write_next() {
    asio::async_write(socket_, asio::buffer(waiting_.front()),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (error) return self->end();
                        self->waiting_bytes_ -= self->waiting_.front().size();
                        self->waiting_.pop_front();
                        if (!self->waiting_.empty()) self->write_next();
                      });
  }

  Local::socket socket_;
  asio::streambuf incoming_;
  std::deque<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool ended_ = false;
};

class Server final : public HomeServer {
 public:
  Server(asio::io_context& io, Descriptor folder, Device& device)
      : io_(io), folder_(std::move(folder)), device_(device), acceptor_(io) {}

  ~Server() override {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    ::unlinkat(folder_.get(), "socket", 0);
    for (const auto& lines : std::exchange(connections_, {})) {
      lines->on_end = nullptr;
      lines->end();
    }
  }

  boost::system::error_code listen() {
    boost::system::error_code error;
    ::unlinkat(folder_.get(), "socket", 0);
    const mode_t before = ::umask(0177);
    acceptor_.open(Local(), error);
    if (!error) acceptor_.bind(Local::endpoint(short_path(folder_)), error);
    ::umask(before);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) accept();
    return error;
  }

 private:
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, Local::socket socket) {
      if (error == asio::error::operation_aborted) return;  // `this` may be gone
      if (!error && connections_.size() < connections_max) serve(std::move(socket));
      accept();
    });
  }

  void serve(Local::socket socket) {
    auto lines = std::make_shared<Lines>(std::move(socket));
    auto requests = Requests::create(io_, device_, [weak = std::weak_ptr<Lines>(lines)](const json::object& reply) {
      if (const auto self = weak.lock()) self->write(reply);
    });
    lines->on_line = [requests](const json::object& request) { requests->handle(request); };
    lines->on_end = [this, weak = std::weak_ptr<Lines>(lines)] { connections_.erase(weak.lock()); };
    connections_.insert(lines);
    lines->read();
  }

  asio::io_context& io_;
  Descriptor folder_;
  Device& device_;
  Local::acceptor acceptor_;
  std::set<std::shared_ptr<Lines>> connections_;
};

class SocketChannel final : public Channel {
 public:
  explicit SocketChannel(std::shared_ptr<Lines> lines) : lines_(std::move(lines)) {}
  ~SocketChannel() override {
    lines_->on_end = nullptr;
    lines_->end();
  }
  void listen(OnReply on_reply, OnLost on_lost) override {
    lines_->on_line = std::move(on_reply);
    lines_->on_end = [on_lost = std::move(on_lost)] {
      on_lost(
          absl::AbortedError("the program that holds this home was closed; a message that it had taken is kept, and "
                             "sent by the next one"));
    };
    lines_->read();
  }
  void request(json::object request) override { lines_->write(request); }

 private:
  std::shared_ptr<Lines> lines_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HomeServer>> HomeServer::open(asio::io_context& io, const Home& home, Device& device) {
  Descriptor folder = open_folder(home);
  if (!folder.is_open()) return errno_status("open", home.folder());
  auto server = std::make_unique<Server>(io, std::move(folder), device);
  if (const auto error = server->listen()) {
    return absl::InternalError(absl::StrCat("cannot serve ", home.path("socket"), ": ", error.message()));
  }
  return std::unique_ptr<HomeServer>(std::move(server));
}

absl::StatusOr<std::unique_ptr<Channel>> connect_to_home(asio::io_context& io, const Home& home) {
  const Descriptor folder = open_folder(home);
  Local::socket socket(io);
  boost::system::error_code error;
  socket.connect(Local::endpoint(short_path(folder)), error);
  if (error) return absl::NotFoundError(absl::StrCat(home.holder(), " uses ", home.folder()));
  return std::unique_ptr<Channel>(std::make_unique<SocketChannel>(std::make_shared<Lines>(std::move(socket))));
}

}  // namespace chasqui::cli
