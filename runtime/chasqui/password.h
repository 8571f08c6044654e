// Asks for a password: on the terminal without echo, or from a file.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace chasqui::cli {

// A string that wipes itself.
class Password {
 public:
  explicit Password(std::string bytes) : bytes_(std::move(bytes)) {}
  ~Password();
  Password(Password&&) = default;
  Password& operator=(Password&&) = default;
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// `file`: a path, "-" for stdin, or empty: asked on the terminal, twice if it is a new one. From a file it is the first
// line. A usage error: there is no terminal, no file, or the two differ.
[[nodiscard]] absl::StatusOr<Password> ask_password(const std::string& file, std::string_view handle, bool is_new);

}  // namespace chasqui::cli
