#include "net/client/server_list.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/text.h"

namespace chasqui::net {

std::string ServerList::text() const {
  std::string text;
  for (const Endpoint& server : servers_) absl::StrAppend(&text, text.empty() ? "" : ",", server.url());
  return text;
}

void ServerList::set_ca_file(const std::string& ca_file) {
  for (Endpoint& server : servers_) server.ca_file = ca_file;
}

absl::StatusOr<ServerList> parse_servers(std::string_view urls) {
  std::vector<Endpoint> servers;
  for (const absl::string_view url : absl::StrSplit(chasqui::text(urls), ',')) {
    auto server = parse_endpoint(std_view(url));
    if (!server.ok()) return server.status();
    servers.push_back(*std::move(server));
    if (servers.size() > servers_max) {
      return absl::InvalidArgumentError(absl::StrCat("more than ", servers_max, " servers: name some of them"));
    }
  }
  return ServerList(std::move(servers));
}

}  // namespace chasqui::net
