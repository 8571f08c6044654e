#include "runtime/chasqui/stdin_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <thread>
#include <utility>

#include "core/base/check.h"
#include "runtime/chasqui/file.h"

namespace chasqui::cli {

struct StdinWatch::Shared {
  boost::asio::io_context* io = nullptr;
  std::function<void()> on_readable;  // of the io_context's thread alone
  bool gone = false;                  // likewise
  Descriptor arms;                    // counts arm()
  Descriptor stop;
  std::thread thread;

  static Descriptor event() {
    Descriptor descriptor(::eventfd(0, EFD_CLOEXEC));
    CHASQUI_ASSERT(descriptor.is_open(), "a program may have two more descriptors");
    return descriptor;
  }
  // True: `fd` is ready; false: stop.
  [[nodiscard]] bool wait_for(int fd) const {
    std::array<pollfd, 2> fds{{{fd, POLLIN, 0}, {stop.get(), POLLIN, 0}}};
    while (::poll(fds.data(), fds.size(), -1) < 0) {
    }
    return fds[1].revents == 0;
  }
  void run(const std::weak_ptr<Shared>& self) const {
    std::uint64_t count = 0;
    while (wait_for(arms.get()) && ::read(arms.get(), &count, sizeof count) > 0 && wait_for(STDIN_FILENO)) {
      boost::asio::post(*io, [self] {
        const auto shared = self.lock();
        if (shared && !shared->gone) shared->on_readable();
      });
    }
  }
};

StdinWatch::StdinWatch(boost::asio::io_context& io, std::function<void()> on_readable)
    : shared_(std::make_shared<Shared>()) {
  shared_->io = &io;
  shared_->on_readable = std::move(on_readable);
  shared_->arms = Shared::event();
  shared_->stop = Shared::event();
  shared_->thread = std::thread([shared = shared_.get(), weak = std::weak_ptr<Shared>(shared_)] { shared->run(weak); });
}

StdinWatch::~StdinWatch() {
  shared_->gone = true;
  const std::uint64_t one = 1;
  CHASQUI_ASSERT(::write(shared_->stop.get(), &one, sizeof one) == sizeof one, "an eventfd takes a 1");
  shared_->thread.join();
}

void StdinWatch::arm() {
  const std::uint64_t one = 1;
  CHASQUI_ASSERT(::write(shared_->arms.get(), &one, sizeof one) == sizeof one, "an eventfd takes a 1");
}

}  // namespace chasqui::cli
