// How judges know again what was said: a message by its text, which is unique in a run. What has no text, a pin, a
// place or a change of a group, carries a name in a field that no program knows, such as a later client's might be: so
// unknown parts are seen to pass untouched.
#pragma once

#include <string>
#include <utility>

#include "google/protobuf/unknown_field_set.h"
#include "proto/client.pb.h"

namespace chasqui::sim {

constexpr int name_field = 1'000;

template <class Message>
void set_name(Message& message, std::string name) {
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(name_field, std::move(name));
}

// Empty: it has none.
template <class Message>
[[nodiscard]] std::string name_of(const Message& message) {
  const google::protobuf::UnknownFieldSet& unknown = message.GetReflection()->GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count(); ++i) {
    if (unknown.field(i).number() == name_field) return unknown.field(i).length_delimited();
  }
  return {};
}

[[nodiscard]] inline std::string text_of(const client::Payload& payload) {
  if (payload.has_change()) return name_of(payload.change());
  return payload.has_text() ? payload.text() : name_of(payload);
}

}  // namespace chasqui::sim
