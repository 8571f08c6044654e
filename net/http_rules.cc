#include "net/http_rules.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace chasqui {

namespace {

bool is_token_char(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), is_token_char);
}

HttpRefusal refusal(unsigned status, std::string detail) {
  return {status, std::move(detail)};
}

std::optional<HttpRefusal> refuse_request_line(std::string_view line, const HttpLimits& limits) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !is_token(line.substr(0, first))) {
    return refusal(400, "the request line is not METHOD TARGET HTTP/1.1");
  }
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.size() > limits.target_bytes) {
    return refusal(414, absl::StrCat("the target is ", target.size(), " bytes of at most ", limits.target_bytes));
  }
  const auto is_visible = [](char c) { return c > ' ' && c < '\x7f'; };
  if (target.empty() || target.front() != '/' || !std::all_of(target.begin(), target.end(), is_visible)) {
    return refusal(400, "the target does not begin with / or holds a byte that must be percent-encoded");
  }
  if (line.substr(last + 1) != "HTTP/1.1") {
    return refusal(505, "only HTTP/1.1 is spoken here");
  }
  return std::nullopt;
}

// What the fields seen so far say about the request's end and its host.
struct Framing {
  int hosts = 0;
  int lengths = 0;
  int encodings = 0;
};

std::optional<HttpRefusal> refuse_field(std::string_view line, Framing& framing) {
  if (line.front() == ' ' || line.front() == '\t') {
    return refusal(400, "a field is continued on a second line (obs-fold)");
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refusal(400, "a field has no name, or a byte in it that no name may have");
  }
  const absl::string_view name = text(line.substr(0, colon));
  const absl::string_view value = absl::StripAsciiWhitespace(text(line.substr(colon + 1)));
  const auto is_control = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; };
  if (std::any_of(value.begin(), value.end(), is_control)) {
    return refusal(400, "a field holds a control character");
  }
  if (absl::EqualsIgnoreCase(name, "host")) {
    framing.hosts++;
  } else if (absl::EqualsIgnoreCase(name, "content-length")) {
    framing.lengths++;
    if (value.empty() || value.size() > 18 || !std::all_of(value.begin(), value.end(), absl::ascii_isdigit)) {
      return refusal(400, "Content-Length is not one decimal number");
    }
  } else if (absl::EqualsIgnoreCase(name, "transfer-encoding")) {
    framing.encodings++;
    if (!absl::EqualsIgnoreCase(value, "chunked")) {
      return refusal(400, "Transfer-Encoding is not chunked alone");
    }
  } else if (absl::EqualsIgnoreCase(name, "expect")) {
    return refusal(417, "send the body at once: Expect is not served");
  }
  return std::nullopt;
}

std::optional<HttpRefusal> refuse_framing(const Framing& framing) {
  if (framing.hosts != 1) {
    return refusal(400, absl::StrCat("there are ", framing.hosts, " Host fields instead of one"));
  }
  if (framing.lengths > 1 || framing.encodings > 1) {
    return refusal(400, "Content-Length or Transfer-Encoding stands there twice");
  }
  if (framing.lengths + framing.encodings > 1) {
    return refusal(400, "Content-Length and Transfer-Encoding stand there both");
  }
  return std::nullopt;
}

}  // namespace

std::optional<HttpRefusal> refuse_partial_header(std::string_view bytes, const HttpLimits& limits) {
  if (bytes.size() > limits.header_bytes) {
    return refusal(431, absl::StrCat("the header is over ", limits.header_bytes, " bytes"));
  }
  for (std::size_t i = bytes.find_first_of(std::string_view("\n\r\0", 3)); i != std::string_view::npos;
       i = bytes.find_first_of(std::string_view("\n\r\0", 3), i + 1)) {
    if (bytes[i] == '\r' && (i + 1 == bytes.size() || bytes[i + 1] == '\n')) {
      i++;  // a line's end, or the half of one
      continue;
    }
    return refusal(400, "a line ends with a bare CR or LF, or there is a NUL");
  }
  return std::nullopt;
}

std::optional<HttpRefusal> refuse_header(std::string_view block, const HttpLimits& limits) {
  if (auto refused = refuse_partial_header(block, limits)) {
    return refused;
  }
  std::size_t begin = block.find("\r\n");
  if (auto refused = refuse_request_line(block.substr(0, begin), limits)) {
    return refused;
  }
  Framing framing;
  std::size_t fields = 0;
  for (begin += 2; begin < block.size();) {
    const std::size_t end = block.find("\r\n", begin);
    const std::string_view line = block.substr(begin, end - begin);
    if (line.empty()) {
      break;
    }
    if (++fields > limits.fields) {
      return refusal(431, absl::StrCat("there are over ", limits.fields, " fields"));
    }
    if (auto refused = refuse_field(line, framing)) {
      return refused;
    }
    begin = end + 2;
  }
  return refuse_framing(framing);
}

}  // namespace chasqui
