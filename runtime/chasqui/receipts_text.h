// Receipts as this program shows them: as JSON, and as words.
//
// {"conversation", "seq", "members": [{"handle", "delivered", "delivered_ms", "read", "read_ms"}]}; the times are there
// where they are known.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "proto/client.pb.h"
#include "runtime/chasqui/group_text.h"

namespace chasqui::cli {

[[nodiscard]] boost::json::object receipts_object(const client::ReceiptsOf& receipts, const NamesOfUsers& names);
// A line for each member: "beto  read 2026-11-26 21:04  delivered 2026-11-26 21:03".
[[nodiscard]] std::string receipts_words(const boost::json::object& receipts);
// "delivered 3, read 2 of 5".
[[nodiscard]] std::string counted_words(std::uint64_t delivered, std::uint64_t read, std::uint64_t of);

}  // namespace chasqui::cli
