#include "runtime/peer_memory.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/digest.h"
#include "storage/durable_file.h"

namespace chasqui {

namespace {

constexpr const char* file_name = "CLUSTER";
constexpr std::uint64_t file_bytes_max = std::uint64_t{16} << 20;
constexpr std::size_t id_bytes = 16;

std::string checksum_line(std::string_view text) {
  return absl::StrCat("crc32c ", absl::Hex(crc32c(text), absl::kZeroPad8), "\n");
}

}  // namespace

absl::StatusOr<PeerMemory> PeerMemory::open(const std::string& directory) {
  PeerMemory memory(directory);
  const absl::StatusOr<std::string> text = storage::read_file(absl::StrCat(directory, "/", file_name), file_bytes_max);
  if (absl::IsNotFound(text.status())) {
    return memory;
  }
  absl::Status status = text.ok() ? memory.parse(*text) : text.status();
  if (!status.ok()) {
    return status;
  }
  return memory;
}

absl::Status PeerMemory::parse(const std::string& text) {
  const absl::Status damaged =
      absl::DataLossError(absl::StrCat(directory_, "/", file_name,
                                       " is damaged: restore it from a backup. If it is lost, this process can no "
                                       "longer tell a peer whose disk was wiped from one that was not"));
  const std::size_t end = text.rfind("crc32c ");
  if (end == std::string::npos || text.substr(end) != checksum_line(std::string_view(text).substr(0, end))) {
    return damaged;
  }
  const std::vector<std::string> lines = absl::StrSplit(text.substr(0, end), '\n', absl::SkipEmpty());
  if (lines.size() < 3 || lines[0] != "chasqui cluster") {
    return damaged;
  }
  if (lines[1] != "version 1") {
    return absl::FailedPreconditionError(
        absl::StrCat(directory_, "/", file_name, " was written by a newer Chasqui: upgrade"));
  }
  for (std::size_t i = 2; i < lines.size(); i++) {
    const std::vector<std::string> words = absl::StrSplit(lines[i], ' ');
    std::uint64_t number = 0;
    if (words.size() == 2 && words[0] == "nodes_per_process" && absl::SimpleAtoi(words[1], &number)) {
      nodes_per_process_ = number;
    } else if (words.size() == 3 && words[0] == "store" && absl::SimpleAtoi(words[1], &number) &&
               words[2].size() == 2 * id_bytes && words[2].find_first_not_of("0123456789abcdef") == std::string::npos) {
      stores_[NodeId(number)] = absl::HexStringToBytes(words[2]);
    } else {
      return damaged;
    }
  }
  return absl::OkStatus();
}

std::string PeerMemory::to_text() const {
  std::string text = absl::StrCat("chasqui cluster\nversion 1\nnodes_per_process ", nodes_per_process_, "\n");
  for (const auto& [node, store] : stores_) {
    absl::StrAppend(&text, "store ", node.value(), " ", absl::BytesToHexString(store), "\n");
  }
  absl::StrAppend(&text, checksum_line(text));
  return text;
}

absl::Status PeerMemory::write() const {
  return storage::write_file(directory_, file_name, to_text());
}

absl::Status PeerMemory::decide_nodes_per_process(std::uint64_t nodes) {
  if (nodes_per_process_ == nodes) {
    return absl::OkStatus();
  }
  if (nodes_per_process_ != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("this process was made with ", nodes_per_process_, " nodes, the configuration says ", nodes,
                     ": shards cannot move yet; say cluster.nodes_per_process = ", nodes_per_process_));
  }
  nodes_per_process_ = nodes;
  return write();
}

absl::Status PeerMemory::check(const PeerIdentity& peer) const {
  for (const auto& [node, store] : peer.stores) {
    const auto known = stores_.find(node);
    if (known != stores_.end() && known->second != store) {
      return absl::FailedPreconditionError(absl::StrCat(
          "node ", node.value(), " came back with another store (wiped or cloned): it must rejoin as a new node"));
    }
  }
  return absl::OkStatus();
}

absl::Status PeerMemory::remember(const PeerIdentity& peer) {
  const std::size_t before = stores_.size();
  stores_.insert(peer.stores.begin(), peer.stores.end());  // what is known stays
  return stores_.size() == before ? absl::OkStatus() : write();
}

}  // namespace chasqui
