#include "core/replica/image.h"

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace chasqui::replica {
namespace {

absl::Status lost(const ReplicaImage& image, const std::string& what) {
  return absl::DataLossError(absl::StrCat("log of shard ", image.shard.value(), ": ", what,
                                          "; this replica must not run: restore the store, or join anew"));
}

}  // namespace

bool is_empty(const ReplicaImage& image) {
  return !image.hard_state.term && !image.hard_state.vote && !image.snapshot.index && image.entries.empty();
}

ReplicaImage first_image(ShardId shard, std::vector<ReplicaId> voters) {
  std::sort(voters.begin(), voters.end());
  ReplicaImage image;
  image.shard = shard;
  image.hard_state = {RaftTerm(1), ReplicaId()};
  image.entries.push_back(
      {RaftTerm(1), EntryType::Change, std::make_shared<const std::string>(serialize(voters_only(voters)))});
  return image;
}

absl::Status check_image(const ReplicaImage& image, RaftIndex applied, const std::optional<Ingested>& ingested) {
  const bool has_snapshot = static_cast<bool>(image.snapshot.index);
  const std::uint64_t first = image.first_index.value();
  const std::uint64_t last = image.entries.empty() ? image.snapshot.index.value() : first + image.entries.size() - 1;
  if (!image.hard_state.term && (has_snapshot || !image.entries.empty())) return lost(image, "no term was stored");
  if (has_snapshot) {
    if (!image.snapshot.term || image.snapshot.term > image.hard_state.term) {
      return lost(image, "the snapshot's term is wrong");
    }
    if (!parse_configuration(image.snapshot.configuration)) {
      return lost(image, "the snapshot's configuration does not decode");
    }
    if (!image.snapshot.configuration_index || image.snapshot.configuration_index > image.snapshot.index) {
      return lost(image, "the snapshot's configuration is not of its time");
    }
  }
  if (!image.entries.empty()) {
    if (first == 0 || first > image.snapshot.index.value() + 1) {
      return lost(image,
                  absl::StrCat("entries begin at ", first, ", the snapshot ends at ", image.snapshot.index.value()));
    }
    if (!has_snapshot && image.entries.front().type != EntryType::Change) return lost(image, "entry 1 is no CHANGE");
  }
  const bool as_ingested =
      ingested && ingested->applied == applied && image.snapshot.index >= ingested->descriptor.index;
  if (last < image.snapshot.index.value() || (last < applied.value() && !as_ingested)) {
    return lost(image, absl::StrCat("it ends at ", last, ", but the snapshot at ", image.snapshot.index.value(),
                                    " and the state at ", applied.value()));
  }
  if (applied < image.snapshot.index) {
    return lost(image, absl::StrCat("it begins after ", image.snapshot.index.value(), ", but the state ends at ",
                                    applied.value()));
  }
  RaftTerm term;
  for (std::size_t i = 0; i < image.entries.size(); ++i) {
    const LogEntry& entry = image.entries[i];
    const std::uint64_t index = first + i;
    if (!entry.term || entry.term < term || entry.term > image.hard_state.term) {
      return lost(image, absl::StrCat("entry ", index, " has term ", entry.term.value()));
    }
    if (has_snapshot && index == image.snapshot.index.value() && entry.term != image.snapshot.term) {
      return lost(image, absl::StrCat("entry ", index, " and the snapshot differ in term"));
    }
    term = entry.term;
    if (entry.type == EntryType::Change && (!entry.payload || !parse_configuration(*entry.payload))) {
      return lost(image, absl::StrCat("entry ", index, " is a CHANGE that does not decode"));
    }
  }
  return absl::OkStatus();
}

bool finish_install(ReplicaImage& image, const Ingested& ingested) {
  // A snapshot's index only grows, so the second write was not made.
  if (image.snapshot.index >= ingested.descriptor.index) return false;
  image.snapshot = ingested.descriptor;
  image.first_index = ingested.descriptor.index.next();
  image.entries.clear();
  // A term that was not synced is one that nobody was told of.
  if (image.hard_state.term < ingested.descriptor.term) image.hard_state = {ingested.descriptor.term, ReplicaId()};
  return true;
}

peer::Configuration last_configuration(const ReplicaImage& image) {
  for (auto entry = image.entries.rbegin(); entry != image.entries.rend(); ++entry) {
    if (entry->type != EntryType::Change) continue;
    auto configuration = parse_configuration(*entry->payload);
    CHASQUI_ASSERT(configuration.has_value(), "the image was checked");
    return *std::move(configuration);
  }
  return parse_configuration(image.snapshot.configuration).value_or(peer::Configuration());
}

}  // namespace chasqui::replica
