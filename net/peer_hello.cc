#include "net/peer_hello.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace chasqui {

namespace {

constexpr std::size_t id_bytes = 16;
constexpr std::size_t why_bytes_max = 200;

PeerChecked refused(std::string_view cause, std::string sentence) {
  return {{}, {cause, std::move(sentence)}};
}

std::string short_hex(const std::string& id) {
  return absl::BytesToHexString(id.substr(0, 4));
}

}  // namespace

std::string hello_frame(const PeerIdentity& self, ProcessId to) {
  peer::PeerFrame frame;
  peer::PeerHello& hello = *frame.mutable_hello();
  hello.set_protocol_version(peer_protocol_version);
  hello.set_cluster(self.cluster);
  hello.set_node(self.process.value());
  hello.set_feature_level(self.feature_level);
  hello.set_shards(self.shards.value);
  hello.set_to(to.value());
  for (const auto& [node, store] : self.stores) {
    peer::PeerStore& one = *hello.add_stores();
    one.set_node(node.value());
    one.set_store(store);
  }
  return frame.SerializeAsString();
}

PeerChecked check_hello(const peer::PeerHello& hello, const PeerIdentity& self,
                        const std::map<ProcessId, std::vector<NodeId>>& others) {
  const std::string who = absl::StrCat("process ", hello.node());
  if (hello.protocol_version() != peer_protocol_version) {
    const bool is_newer = hello.protocol_version() > peer_protocol_version;
    return refused("protocol version", absl::StrCat(who, " speaks version ", hello.protocol_version(),
                                                    " of the peer protocol, this one speaks ", peer_protocol_version,
                                                    ": upgrade ", is_newer ? "this one" : "the other one", " first"));
  }
  if (hello.cluster() != self.cluster) {
    return refused("cluster", absl::StrCat(who, " is of another cluster (", short_hex(hello.cluster()), "..., this is ",
                                           short_hex(self.cluster), "...): see cluster.id and cluster.peers"));
  }
  const auto known = others.find(ProcessId(hello.node()));
  if (hello.node() == self.process.value()) {
    return refused("same number", absl::StrCat("another process says that it is process ", self.process.value(),
                                               ", as this one is: node.id must differ on each"));
  }
  if (known == others.end()) {
    return refused("no member", absl::StrCat(who, " is no member of this cluster: see cluster.peers"));
  }
  if (hello.to() != self.process.value()) {
    return refused("address", absl::StrCat(who, " means to speak to process ", hello.to(), ", this is ",
                                           self.process.value(), ": an address in cluster.peers is wrong"));
  }
  if (hello.shards() != self.shards.value) {
    return refused("shards", absl::StrCat(who, " has ", hello.shards(), " shards, this one ", self.shards.value,
                                          ": node.shards must be the same everywhere"));
  }
  PeerChecked checked;
  checked.identity = {known->first, hello.cluster(), self.shards, {}, hello.feature_level()};
  for (const peer::PeerStore& store : hello.stores()) {
    if (store.store().size() != id_bytes) {
      return refused("garbage", absl::StrCat(who, " sent a hello that makes no sense"));
    }
    checked.identity.stores[NodeId(store.node())] = store.store();
  }
  const std::map<NodeId, std::string>& stores = checked.identity.stores;
  const bool same = static_cast<std::size_t>(hello.stores_size()) == known->second.size() &&
                    std::all_of(known->second.begin(), known->second.end(),
                                [&](NodeId node) { return stores.find(node) != stores.end(); });
  if (!same) {
    return refused("nodes",
                   absl::StrCat(who, " has ", hello.stores_size(), " nodes, this one expects ", known->second.size(),
                                ": cluster.nodes_per_process must be the same everywhere"));
  }
  return checked;
}

std::string ping_frame(bool is_answer) {
  peer::PeerFrame frame;
  frame.mutable_ping()->set_is_answer(is_answer);
  return frame.SerializeAsString();
}

std::string closing_frame(peer::PeerClosing::Reason reason, std::string_view why) {
  peer::PeerFrame frame;
  frame.mutable_closing()->set_reason(reason);
  frame.mutable_closing()->set_why(std::string(why.substr(0, why_bytes_max)));
  return frame.SerializeAsString();
}

}  // namespace chasqui
