// Inputs and outputs of a node as bytes, for the trace hash: the same values give the same bytes, everywhere.
#pragma once

#include <string>

#include "core/io.h"
#include "core/node.h"

namespace chasqui::sim {

// Appended to `out`: kind, then the fields in their order; numbers little-endian, strings behind their length.
void append_bytes(const Input& input, std::string& out);
void append_bytes(const Output& output, std::string& out);
void append_number(std::uint64_t number, std::string& out);
void append_string(const std::string& text, std::string& out);

}  // namespace chasqui::sim
