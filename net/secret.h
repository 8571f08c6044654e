// A password on its way from a request to the hashing thread: wiped when let go, never copied, never printed.
//
// Its bytes live on the heap, so that a move hands over a pointer and leaves nothing behind.
#pragma once

#include <sodium.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace chasqui {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes) : bytes_(new char[bytes.size() + 1]), size_(bytes.size()) {
    if (size_ != 0) {
      std::memcpy(bytes_.get(), bytes.data(), size_);
    }
    bytes_[size_] = '\0';
  }
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() {
    if (bytes_) {
      sodium_memzero(bytes_.get(), size_);
    }
  }

  [[nodiscard]] std::string_view reveal() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

}  // namespace chasqui
