// Shards' states between nodes, as runtime/stream_files.h and storage/staging.h carry them out.
#include <algorithm>
#include <iterator>
#include <utility>

#include "core/base/check.h"
#include "sim/world.h"

namespace chasqui::sim {

bool World::carry_out_stream(VirtualNode& node, Time at, Output& output) {
  if (const auto* open = std::get_if<StreamOpen>(&output)) {
    node.frozen[open->stream] = node.store.all();
    return true;
  }
  if (const auto* close = std::get_if<StreamClose>(&output)) {
    // What is under way is answered all the same.
    node.frozen.erase(close->stream);
    node.staged.erase(close->stream);
    return true;
  }
  const std::uint64_t token = last_token_ + 1;
  if (auto* read = std::get_if<StreamRead>(&output)) {
    node.stream_jobs.emplace(token, std::move(*read));
  } else if (auto* write = std::get_if<StreamWrite>(&output)) {
    node.stream_jobs.emplace(token, std::move(*write));
  } else if (auto* ingest = std::get_if<StreamIngest>(&output)) {
    node.stream_jobs.emplace(token, std::move(*ingest));
  } else {
    return false;
  }
  last_token_ = token;
  // One thread of the node's does them all, in order.
  const std::uint64_t bits = noise(Concern::Streams, node.index, token);
  const Time takes = static_cast<Time>(log_uniform(bits, 50, 20'000)) * microsecond;
  node.streams_free_at = std::max(node.streams_free_at, at) + takes;
  push(node.streams_free_at, EventKind::StreamServed, node.index, token);
  return true;
}

void World::stream_served(VirtualNode& node, std::uint64_t token) {
  const auto found = node.stream_jobs.find(token);
  if (found == node.stream_jobs.end()) return;
  auto job = std::move(found->second);
  node.stream_jobs.erase(found);
  if (auto* read = std::get_if<StreamRead>(&job)) {
    const auto rows = node.frozen.find(read->stream);
    if (rows == node.frozen.end()) return;
    return feed(node, StreamRowsRead{read->stream, SimStore::read(rows->second, read->range)});
  }
  if (auto* write = std::get_if<StreamWrite>(&job)) {
    std::vector<Row>& staged = node.staged[write->stream];
    const bool ascends = staged.empty() || write->rows.empty() || staged.back().key < write->rows.front().key;
    if (!ascends) see(ContractBroken{node.index, "it stages rows that do not ascend"});
    std::move(write->rows.begin(), write->rows.end(), std::back_inserter(staged));
    return feed(node, StreamRowsWritten{write->stream});
  }
  auto& ingest = std::get<StreamIngest>(job);
  std::vector<Row>& staged = node.staged[ingest.stream];
  const auto below = [](const Row& row, const std::string& key) { return row.key < key; };
  const auto begin = std::lower_bound(staged.begin(), staged.end(), ingest.begin, below);
  const auto end = std::lower_bound(begin, staged.end(), ingest.end, below);
  std::vector<Row> rows(std::make_move_iterator(begin), std::make_move_iterator(end));
  staged.erase(begin, end);
  std::move(ingest.local.begin(), ingest.local.end(), std::back_inserter(rows));
  node.store.ingest(ingest.begin, ingest.end, rows);
  for (VirtualNode::Wrote& wrote : node.wrote) wrote.whole = true;
  feed(node, StreamIngested{ingest.stream});
}

}  // namespace chasqui::sim
