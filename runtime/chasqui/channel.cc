#include "runtime/chasqui/channel.h"

#include "runtime/chasqui/outcome.h"

namespace chasqui::cli {

namespace json = boost::json;

json::object error_reply(std::uint64_t id, const absl::Status& status) {
  const absl::string_view message = status.message();
  return {{"id", id},
          {"error", json::object{{"code", code_name(status.code())},
                                 {"message", json::string_view(message.data(), message.size())}}}};
}

absl::Status error_of(const json::object& reply) {
  const json::object* error = object_at(reply, "error");
  if (error == nullptr) return absl::OkStatus();
  const absl::StatusCode code = code_from_name(string_at(*error, "code"));
  return absl::Status(code == absl::StatusCode::kOk ? absl::StatusCode::kUnknown : code, string_at(*error, "message"));
}

std::uint64_t id_of(const json::object& object) {
  return number_at(object, "id");
}

std::string string_at(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

std::uint64_t number_at(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  boost::system::error_code inexact;
  if (value == nullptr || !value->is_number()) return 0;
  const auto number = value->to_number<std::uint64_t>(inexact);
  return inexact ? 0 : number;
}

const json::object* object_at(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr ? value->if_object() : nullptr;
}

}  // namespace chasqui::cli
