#include "net/problem.h"

#include <array>
#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace chasqui {

namespace {

struct CodeRow {
  std::string_view name;
  unsigned status;
};

// Index: google.rpc.Code.
constexpr std::array<CodeRow, 17> codes{{
    {"OK", 200},
    {"CANCELLED", 499},
    {"UNKNOWN", 500},
    {"INVALID_ARGUMENT", 400},
    {"DEADLINE_EXCEEDED", 504},
    {"NOT_FOUND", 404},
    {"ALREADY_EXISTS", 409},
    {"PERMISSION_DENIED", 403},
    {"RESOURCE_EXHAUSTED", 429},
    {"FAILED_PRECONDITION", 400},
    {"ABORTED", 409},
    {"OUT_OF_RANGE", 400},
    {"UNIMPLEMENTED", 501},
    {"INTERNAL", 500},
    {"UNAVAILABLE", 503},
    {"DATA_LOSS", 500},
    {"UNAUTHENTICATED", 401},
}};

std::uint32_t code_of_status(unsigned status) {
  switch (status) {
    case 401: return 16;
    case 403: return 7;
    case 404: return 5;
    case 405:
    case 501: return 12;
    case 409: return 6;
    case 429: return 8;
    case 500: return 13;
    case 503: return 14;
    case 504: return 4;
    default: return 3;
  }
}

HttpResponse make(unsigned status, std::uint32_t code, std::string_view detail, std::uint32_t retry_after_ms) {
  boost::json::object body;
  body["type"] = "about:blank";
  body["title"] = boost::json::string_view(reason_phrase(status).data(), reason_phrase(status).size());
  body["status"] = status;
  body["detail"] = boost::json::string_view(detail.data(), detail.size());
  body["code"] = boost::json::string_view(code_name(code).data(), code_name(code).size());
  HttpResponse response;
  if (retry_after_ms != 0) {
    body["retry_after_ms"] = retry_after_ms;
    response.fields.emplace_back("Retry-After", absl::StrCat((retry_after_ms + 999) / 1000));
  }
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = boost::json::serialize(body);
  return response;
}

}  // namespace

std::string_view code_name(std::uint32_t code) {
  return code < codes.size() ? codes[code].name : codes[2].name;
}

unsigned http_status(std::uint32_t code) {
  return code < codes.size() ? codes[code].status : 500;
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Cancelled";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

HttpResponse problem(std::uint32_t code, std::string_view detail, std::uint32_t retry_after_ms) {
  return make(http_status(code), code, detail, retry_after_ms);
}

HttpResponse http_problem(unsigned status, std::string_view detail) {
  return make(status, code_of_status(status), detail, 0);
}

std::string serialized(const HttpResponse& response, bool keep_alive) {
  const bool stays = keep_alive && !response.close;
  std::string out = absl::StrCat("HTTP/1.1 ", response.status, " ", text(reason_phrase(response.status)), "\r\n");
  absl::StrAppend(&out, "Content-Type: ", response.content_type, "\r\nContent-Length: ", response.body.size(),
                  "\r\nConnection: ", stays ? "keep-alive" : "close",
                  "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer"
                  "\r\nCross-Origin-Resource-Policy: same-origin"
                  "\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
  for (const auto& [name, value] : response.fields) {
    absl::StrAppend(&out, name, ": ", value, "\r\n");
  }
  absl::StrAppend(&out, "\r\n", response.body);
  return out;
}

}  // namespace chasqui
