#include "runtime/logging.h"

#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/text.h"

namespace chasqui::logging {

namespace {

std::shared_ptr<spdlog::logger> logger;  // none before start(): then nothing is logged
bool is_json = false;

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::Debug: return spdlog::level::debug;
    case Level::Info: return spdlog::level::info;
    case Level::Warn: return spdlog::level::warn;
    case Level::Error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

boost::json::string_view json_text(std::string_view s) {
  return {s.data(), s.size()};
}

// Everything after the time and the level of a JSON line.
std::string json_rest(std::string_view sentence, std::initializer_list<Field> fields) {
  std::string out = absl::StrCat("\"message\":", boost::json::serialize(boost::json::value(json_text(sentence))));
  for (const Field& field : fields) {
    absl::StrAppend(&out, ",\"", text(field.name), "\":",
                    field.is_number ? field.value : boost::json::serialize(boost::json::value(json_text(field.value))));
  }
  return out;
}

std::string text_line(std::string_view sentence, std::initializer_list<Field> fields) {
  std::string out(sentence);
  for (const Field& field : fields) {
    absl::StrAppend(&out, " ", text(field.name), "=", field.value);
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ') {
      c = ' ';  // one event, one line, whatever came from outside
    }
  }
  return out;
}

}  // namespace

void start(std::string_view format, std::string_view level) {
  is_json = format == "json" || (format == "auto" && isatty(STDERR_FILENO) == 0);
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>();
  logger = std::make_shared<spdlog::logger>("chasqui", sink);
  logger->set_pattern(is_json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%H:%M:%S.%e %^%-5l%$ %v",
                      is_json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local);
  logger->set_level(spdlog::level::from_str(std::string(level)));
  logger->flush_on(spdlog::level::debug);
}

bool is_on(Level level) {
  return logger && logger->should_log(to_spdlog(level));
}

void log(Level level, std::string_view sentence, std::initializer_list<Field> fields) {
  if (is_on(level)) {
    logger->log(to_spdlog(level), "{}", is_json ? json_rest(sentence, fields) : text_line(sentence, fields));
  }
}

std::string short_id(std::uint64_t id) {
  return absl::StrFormat("%08x", id & 0xffffffffU);
}

void log_fatal(std::string_view sentence, const absl::Status& status) {
  log(Level::Error, sentence,
      {{"code", std_view(absl::StatusCodeToString(status.code()))}, {"reason", std_view(status.message())}});
  if (logger) {
    logger->flush();
  }
}

}  // namespace chasqui::logging
