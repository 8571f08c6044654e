// Row `L ingested`: what a shard's state says of where it came from.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/log_image.h"
#include "proto/state.pb.h"

namespace chasqui::replica {

[[nodiscard]] inline std::string ingested_row(const Ingested& ingested) {
  state::Ingested row;
  row.set_index(ingested.descriptor.index.value());
  row.set_term(ingested.descriptor.term.value());
  row.set_configuration(ingested.descriptor.configuration);
  row.set_configuration_index(ingested.descriptor.configuration_index.value());
  row.set_applied(ingested.applied.value());
  return row.SerializeAsString();
}

// nullopt: it does not decode.
[[nodiscard]] inline std::optional<Ingested> parse_ingested(std::string_view bytes) {
  state::Ingested row;
  if (!row.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  return Ingested{
      {RaftIndex(row.index()), RaftTerm(row.term()), row.configuration(), RaftIndex(row.configuration_index())},
      RaftIndex(row.applied())};
}

}  // namespace chasqui::replica
