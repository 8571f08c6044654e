// How a change of a group is known again in a run, as a message is by its text: by a field of no protocol, such as a
// later client's might be, which the server passes on untouched.
#pragma once

#include <google/protobuf/unknown_field_set.h>

#include <string>

#include "proto/client.pb.h"
#include "sim/payload_text.h"

namespace chasqui::sim {

constexpr int change_tag_field = 1'000;

inline void set_tag(client::GroupChange& change, const std::string& tag) {
  change.GetReflection()->MutableUnknownFields(&change)->AddLengthDelimited(change_tag_field, tag);
}

// Empty: it has none.
[[nodiscard]] inline std::string tag_of(const client::GroupChange& change) {
  const google::protobuf::UnknownFieldSet& fields = change.GetReflection()->GetUnknownFields(change);
  for (int i = 0; i < fields.field_count(); ++i) {
    if (fields.field(i).number() == change_tag_field) return fields.field(i).length_delimited();
  }
  return {};
}

// A message's text, a change's tag.
[[nodiscard]] inline std::string said_in(const client::Payload& payload) {
  return payload.has_change() ? tag_of(payload.change()) : text_of(payload);
}

}  // namespace chasqui::sim
