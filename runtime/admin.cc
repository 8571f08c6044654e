#include "runtime/admin.h"

#include <sodium.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/bounds.h"
#include "core/base/digest.h"
#include "core/base/text.h"
#include "net/problem.h"
#include "runtime/logging.h"

namespace chasqui {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;
using ErrorCode = boost::system::error_code;

namespace {

constexpr std::size_t connections_max = 8;
constexpr std::size_t line_bytes_max = 1024;
constexpr std::uint64_t users_under_way_max = 64;
constexpr std::uint64_t provision_max = 10'000'000;
constexpr std::size_t output_bytes_max = 1 << 20;  // above it no user is begun until the reader has read

// Codes after which the same call may be made again: the secret's hash makes it idempotent.
bool is_transient(std::uint32_t code) {
  return code == 8 || code == 10 || code == 14;
}

}  // namespace

class AdminConnection : public std::enable_shared_from_this<AdminConnection> {
 public:
  AdminConnection(AdminSocket& admin, Local::socket socket)
      : admin_(admin), open_(admin.connections_), socket_(std::move(socket)), timer_(socket_.get_executor()) {
    ++*open_;
  }
  ~AdminConnection() { --*open_; }
  AdminConnection(const AdminConnection&) = delete;
  AdminConnection& operator=(const AdminConnection&) = delete;

  void read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(in_, line_bytes_max), '\n',
                           [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
                             if (error) {
                               return self->end();
                             }
                             const std::string line = self->in_.substr(0, bytes - 1);
                             self->in_.erase(0, bytes);
                             self->command(line);
                           });
  }

  void answered(CallId call, const AccountAnswer& answer) {
    const auto found = under_way_.find(call.value());
    if (found == under_way_.end()) {
      return;
    }
    const User user = found->second;
    under_way_.erase(found);
    if (answer.code == 0) {
      done_[user.number] =
          absl::StrCat(answer.handle, " ", answer.user, " ", answer.device, " ", to_hex(user.secret), "\n");
    } else if (is_transient(answer.code)) {
      again_.push_back(user);
      return wait(std::max<std::uint32_t>(answer.retry_after_ms, 20));
    } else {
      done_[user.number] =
          absl::StrCat("error ", handle(user.number), " ", text(code_name(answer.code)), " ", answer.message, "\n");
    }
    go_on();
  }

 private:
  struct User {
    std::uint64_t number = 0;
    std::string secret;
  };

  [[nodiscard]] std::string handle(std::uint64_t number) const { return absl::StrCat(prefix_, number); }

  void command(const std::string& line) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() == 1 && words[0] == "stats") {
      return admin_.owner_.on_stats([self = shared_from_this()](std::string stats) {
        self->out_ += stats + "\n";
        self->write();
        self->read();
      });
    } else if (words.size() == 3 && words[0] == "provision" && absl::SimpleAtoi(words[1], &wanted_) && wanted_ > 0 &&
               wanted_ <= provision_max) {
      prefix_ = words[2];
      begun_ = printed_ = 0;
      logging::log(logging::Level::Info, "provisioning", {{"users", wanted_}});
      return go_on();
    } else {
      wanted_ = 0;
      out_ += "error the commands are: provision N PREFIX, stats\n";
    }
    write();
    read();
  }

  void begin(User user) {
    ProvisionCall call{handle(user.number), "provisioned", std::string(view(blake2b_256(user.secret)))};
    const CallId id = admin_.owner_.new_admin_call();
    admin_.calls_[id.value()] = shared_from_this();
    under_way_.emplace(id.value(), std::move(user));
    admin_.owner_.on_provision(id, std::move(call));
  }

  void go_on() {
    if (is_ended_) {
      return;
    }
    for (auto next = done_.find(printed_); next != done_.end(); next = done_.find(printed_)) {
      out_ += next->second;
      done_.erase(next);
      printed_++;
    }
    while (under_way_.size() < users_under_way_max && !again_.empty() && !is_waiting_) {
      User user = std::move(again_.back());
      again_.pop_back();
      begin(std::move(user));
    }
    while (begun_ < wanted_ && under_way_.size() + again_.size() + done_.size() < users_under_way_max &&
           out_.size() < output_bytes_max) {
      User user{begun_++, std::string(bounds::secret_bytes, '\0')};
      randombytes_buf(user.secret.data(), user.secret.size());
      begin(std::move(user));
    }
    write();
    if (printed_ == wanted_ && wanted_ != 0) {
      wanted_ = 0;
      read();
    }
  }

  void wait(std::uint32_t ms) {
    if (is_waiting_) {
      return;
    }
    is_waiting_ = true;
    timer_.expires_after(std::chrono::milliseconds(ms));
    timer_.async_wait([self = shared_from_this()](ErrorCode) {
      self->is_waiting_ = false;
      self->go_on();
    });
  }

  void write() {
    if (!writing_.empty() || out_.empty() || is_ended_) {
      return;
    }
    writing_.swap(out_);
    asio::async_write(socket_, asio::buffer(writing_), [self = shared_from_this()](ErrorCode error, std::size_t) {
      self->writing_.clear();
      if (error) {
        return self->end();
      }
      self->wanted_ != 0 ? self->go_on() : self->write();
    });
  }

  void end() {
    is_ended_ = true;
    ErrorCode ignored;
    socket_.close(ignored);
    timer_.cancel();
  }

  AdminSocket& admin_;
  std::shared_ptr<std::size_t> open_;
  Local::socket socket_;
  asio::steady_timer timer_;
  std::string in_;
  std::string out_;
  std::string writing_;
  std::string prefix_;
  std::uint64_t wanted_ = 0;  // of the provision under way; 0: there is none
  std::uint64_t begun_ = 0;
  std::uint64_t printed_ = 0;
  std::unordered_map<std::uint64_t, User> under_way_;  // by call
  std::vector<User> again_;
  std::map<std::uint64_t, std::string> done_;  // lines that wait for those before them
  bool is_waiting_ = false;
  bool is_ended_ = false;
};

AdminSocket::AdminSocket(asio::io_context& io, AdminOwner& owner) : io_(io), owner_(owner), acceptor_(io) {}

AdminSocket::~AdminSocket() = default;

absl::Status AdminSocket::listen(const std::string& path) {
  path_ = path;
  unlink(path.c_str());
  ErrorCode error;
  const mode_t before = umask(0177);  // 0600 from the first moment
  try {
    const Local::endpoint endpoint(path);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) {
      acceptor_.bind(endpoint, error);
    }
    if (!error) {
      acceptor_.listen(asio::socket_base::max_listen_connections, error);
    }
  } catch (const boost::system::system_error& thrown) {
    error = thrown.code();  // the path is too long
  }
  umask(before);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", path, ": ", error.message(), ": use a --data-dir with a shorter path"));
  }
  accept();
  return absl::OkStatus();
}

void AdminSocket::accept() {
  acceptor_.async_accept([this](ErrorCode error, Local::socket socket) {
    if (error) {
      return;
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool is_known = getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
                          (peer.uid == geteuid() || peer.uid == 0);
    if (is_known && *connections_ < connections_max) {
      std::make_shared<AdminConnection>(*this, std::move(socket))->read();
    }
    accept();
  });
}

bool AdminSocket::answer(CallId call, const AccountAnswer& answer) {
  const auto found = calls_.find(call.value());
  if (found == calls_.end()) {
    return false;
  }
  const std::shared_ptr<AdminConnection> connection = found->second;
  calls_.erase(found);
  connection->answered(call, answer);
  return true;
}

void AdminSocket::stop() {
  ErrorCode ignored;
  acceptor_.close(ignored);
  if (!path_.empty()) {
    unlink(path_.c_str());
  }
}

int run_admin_command(const std::string& data_dir, const std::vector<std::string>& words) {
  const std::string path = data_dir + "/admin.sock";
  std::string command;
  for (const std::string& word : words) {
    absl::StrAppend(&command, command.empty() ? "" : " ", word);
  }
  std::uint64_t lines = 1;
  if (words.size() == 3 && words[0] == "provision" && !absl::SimpleAtoi(words[1], &lines)) {
    lines = 1;  // the server says what is wrong with it
  }
  try {
    asio::io_context io;
    Local::socket socket(io);
    socket.connect(Local::endpoint(path));
    asio::write(socket, asio::buffer(command + "\n"));
    std::string in;
    bool is_refused = false;
    for (; lines > 0; lines--) {
      const std::size_t bytes = asio::read_until(socket, asio::dynamic_buffer(in), '\n');
      std::fwrite(in.data(), 1, bytes, stdout);
      is_refused = is_refused || in.rfind("error ", 0) == 0;
      if (in.rfind("error the commands", 0) == 0) {
        lines = 1;
      }
      in.erase(0, bytes);
    }
    std::fflush(stdout);
    return is_refused ? 1 : 0;
  } catch (const boost::system::system_error& error) {
    std::fprintf(stderr, "chasquid: cannot reach the server by %s: %s\n", path.c_str(), error.code().message().c_str());
    return 3;
  }
}

}  // namespace chasqui
