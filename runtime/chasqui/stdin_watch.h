// Tells when stdin can be read, without making it non-blocking: its description is shared with the shell, and on a
// terminal with stdout. A thread of its own polls, since a regular file cannot be watched by epoll.
//
// Usage: arm(); on_readable() comes once, on the io_context, and read(2) will then not block; arm() again.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

namespace chasqui::cli {

class StdinWatch {
 public:
  StdinWatch(boost::asio::io_context& io, std::function<void()> on_readable);
  ~StdinWatch();
  StdinWatch(const StdinWatch&) = delete;
  StdinWatch& operator=(const StdinWatch&) = delete;

  void arm();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace chasqui::cli
