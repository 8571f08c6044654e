#include "core/replica/configuration.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace chasqui::replica {
namespace {

int voters(const peer::Configuration& configuration) {
  int count = 0;
  for (const auto& server : configuration.servers()) count += server.role() == peer::Server::VOTER ? 1 : 0;
  return count;
}

const peer::Server* find(const peer::Configuration& configuration, std::uint64_t replica) {
  for (const auto& server : configuration.servers()) {
    if (server.replica() == replica) return &server;
  }
  return nullptr;
}

}  // namespace

bool is_valid(const peer::Configuration& configuration) {
  const auto& servers = configuration.servers();
  if (servers.empty() || servers.size() > configuration_servers_max) return false;
  for (int i = 0; i < servers.size(); ++i) {
    const auto& server = servers[i];
    if (server.replica() == 0) return false;
    if (server.role() != peer::Server::VOTER && server.role() != peer::Server::STANDBY) return false;
    for (int j = 0; j < i; ++j) {
      if (servers[j].replica() == server.replica()) return false;
    }
  }
  return voters(configuration) > 0;
}

std::optional<peer::Configuration> parse_configuration(std::string_view bytes) {
  peer::Configuration configuration;
  if (!configuration.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  if (!is_valid(configuration)) return std::nullopt;
  return configuration;
}

std::string serialize(const peer::Configuration& configuration) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  configuration.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

peer::Configuration voters_only(const std::vector<ReplicaId>& voters) {
  peer::Configuration configuration;
  for (const ReplicaId voter : voters) {
    auto* server = configuration.add_servers();
    server->set_replica(voter.value());
    server->set_role(peer::Server::VOTER);
  }
  return configuration;
}

bool is_only_voter(const peer::Configuration& configuration, ReplicaId self) {
  const peer::Server* server = find(configuration, self.value());
  return server != nullptr && server->role() == peer::Server::VOTER && voters(configuration) == 1;
}

raft_configuration to_raft(const peer::Configuration& configuration) {
  raft_configuration result{};
  raft_configuration_init(&result);
  for (const auto& server : configuration.servers()) {
    // The library knows a server by id and address; the address is the id in decimal, peers are named by id alone.
    const std::string address = absl::StrCat(server.replica());
    const int role = server.role() == peer::Server::VOTER ? RAFT_VOTER : RAFT_STANDBY;
    const int rv = raft_configuration_add(&result, server.replica(), address.c_str(), role);
    CHASQUI_ASSERT(rv == 0, "a checked configuration is accepted by the library");
  }
  return result;
}

EncodedConfiguration::EncodedConfiguration(const peer::Configuration& configuration) {
  raft_configuration copy = to_raft(configuration);
  const int rv = raft_configuration_encode(&copy, &buffer_);
  raft_configuration_close(&copy);
  CHASQUI_ASSERT(rv == 0, "a checked configuration can be encoded");
}

EncodedConfiguration::~EncodedConfiguration() {
  raft_free(buffer_.base);
}

EncodedConfiguration::EncodedConfiguration(EncodedConfiguration&& other) noexcept
    : buffer_(std::exchange(other.buffer_, raft_buffer{})) {}

absl::Status check_change(const peer::Configuration& before, const peer::Configuration& after, ReplicaId self) {
  if (!is_valid(after)) {
    return absl::InvalidArgumentError(absl::StrCat("a configuration of ", after.servers_size(),
                                                   " servers is not valid: 1 to ", configuration_servers_max,
                                                   ", distinct, at least one voter"));
  }
  int differences = 0;
  int next = 0;  // where the servers that stay are looked for in `before`: they keep their order
  for (const auto& server : after.servers()) {
    const peer::Server* was = find(before, server.replica());
    if (was == nullptr) {
      ++differences;
      if (server.role() != peer::Server::STANDBY) {
        return absl::FailedPreconditionError(absl::StrCat(
            "replica ", server.replica(), " is new: add it as a standby first, promote it when it is equal"));
      }
      if (&server != &after.servers()[after.servers_size() - 1]) {
        return absl::InvalidArgumentError(absl::StrCat("replica ", server.replica(), " is new: put it at the end"));
      }
      continue;
    }
    while (next < before.servers_size() && before.servers()[next].replica() != server.replica()) {
      ++differences;  // one that is gone
      ++next;
    }
    if (next == before.servers_size()) return absl::InvalidArgumentError("the order of the servers must be kept");
    differences += was->role() != server.role() ? 1 : 0;
    ++next;
  }
  differences += before.servers_size() - next;
  if (differences != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("a change of ", differences, " servers at once: exactly one may differ"));
  }
  const peer::Server* own = find(after, self.value());
  if (own == nullptr || own->role() != peer::Server::VOTER) {
    return absl::FailedPreconditionError(
        absl::StrCat("replica ", self.value(), " leads: transfer the leadership before it is demoted or removed"));
  }
  if (voters(before) == 2 && voters(after) == 1) {
    return absl::FailedPreconditionError("two voters may not become one: add a third first");
  }
  return absl::OkStatus();
}

}  // namespace chasqui::replica
