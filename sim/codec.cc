#include "sim/codec.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {
namespace {

template <class Message, class Append>
std::vector<std::string> split(std::string_view bytes, Dice& dice, Append append) {
  Message message;
  std::vector<std::string> pieces;
  std::string whole;
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    for (const auto& frame : message.frames()) {
      std::string one;
      append(frame, one);
      whole += one;
      if (pieces.empty() || dice.chance(500'000)) pieces.emplace_back();
      pieces.back() += one;
    }
  }
  if (whole != bytes) return {std::string(bytes)};
  return pieces;
}

}  // namespace

std::vector<std::string> split_client_message(std::string_view bytes, Dice& dice) {
  return split<client::ClientMessage>(bytes, dice, wire::append_client_frame);
}

std::vector<std::string> split_server_message(std::string_view bytes, Dice& dice) {
  return split<client::ServerMessage>(bytes, dice, wire::append_server_frame);
}

std::string StreamCheck::read(std::string_view body, Dice& dice) {
  while (bodies_.empty()) {
    if (stream_.empty()) return "the codec gave fewer frames than were written";
    const std::size_t size = std::min<std::size_t>(stream_.size(), dice.log_roll(1, 8'192));
    std::vector<std::string> whole;
    const absl::Status status = splitter_.take(std::string_view(stream_).substr(0, size), whole);
    stream_.erase(0, size);
    bodies_.insert(bodies_.end(), whole.begin(), whole.end());
    if (!status.ok()) return absl::StrCat("the codec refused what it wrote: ", status.message());
  }
  const bool same = bodies_.front() == body;
  bodies_.pop_front();
  return same ? "" : "the codec gave another frame than was written";
}

}  // namespace chasqui::sim
