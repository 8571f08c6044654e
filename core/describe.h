// Each input, output, note and frame as one line of text: what logs, traces and transcripts are made of.
//
// Never content, tokens or password hashes: lengths stand in their place.
#pragma once

#include <string>
#include <string_view>

#include "core/io.h"
#include "proto/client.pb.h"

namespace chasqui {

[[nodiscard]] std::string describe(const Input& input);
[[nodiscard]] std::string describe(const Output& output);
[[nodiscard]] std::string describe(const Note& note);
[[nodiscard]] std::string describe(const client::ClientFrame& frame);
[[nodiscard]] std::string describe(const client::ServerFrame& frame);
[[nodiscard]] std::string_view name(NoteKind kind);      // e.g. "shard_leads"
[[nodiscard]] std::string_view name(client::Code code);  // e.g. "UNAVAILABLE"

}  // namespace chasqui
