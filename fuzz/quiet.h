// Included by targets that parse protobuf: its library writes a line to stderr for each text that is not UTF-8.
#pragma once

#include <google/protobuf/stubs/logging.h>

namespace chasqui::fuzz {

inline const bool quiet = (google::protobuf::SetLogHandler(nullptr), true);

}  // namespace chasqui::fuzz
