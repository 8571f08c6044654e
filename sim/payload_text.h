// How judges know a message again: by its text, which is unique in a run. What has no text, a pin or a place, carries
// one in a field that no program knows: so unknown parts of a message are seen to pass untouched.
#pragma once

#include <string>

#include "google/protobuf/unknown_field_set.h"
#include "proto/client.pb.h"

namespace chasqui::sim {

constexpr int payload_name_field = 1'000;

inline void name_payload(client::Payload& payload, std::string name) {
  client::Payload::GetReflection()->MutableUnknownFields(&payload)->AddLengthDelimited(payload_name_field,
                                                                                       std::move(name));
}

[[nodiscard]] inline std::string text_of(const client::Payload& payload) {
  if (payload.has_text()) return payload.text();
  const auto& unknown = client::Payload::GetReflection()->GetUnknownFields(payload);
  for (int i = 0; i < unknown.field_count(); ++i) {
    if (unknown.field(i).number() == payload_name_field) return unknown.field(i).length_delimited();
  }
  return {};
}

}  // namespace chasqui::sim
