#include "storage/tail_guard.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/digest.h"
#include "storage/durable_file.h"
#include "storage/failure.h"
#include "storage/fields.h"

namespace chasqui::storage {
namespace {

constexpr std::string_view magic = "chasqui tail 1\n";
constexpr std::uint64_t shard_bytes = 2 + 5 * 8;
constexpr std::uint64_t guard_bytes_max = 1024 + bounds::shards_max * shard_bytes;
// Which file a generation goes to.
std::string file_name(std::uint64_t generation) {
  return generation % 2 == 0 ? "TAIL.0" : "TAIL.1";
}

}  // namespace

std::string to_bytes(const TailMarks& marks) {
  std::string bytes(magic);
  put_number<8>(bytes, marks.generation);
  put_number<8>(bytes, marks.wal_number);
  put_number<8>(bytes, marks.wal_bytes);
  put_number<4>(bytes, marks.shards.size());
  for (const auto& [shard, mark] : marks.shards) {
    put_number<2>(bytes, shard.value());
    put_number<8>(bytes, mark.last_term.value());
    put_number<8>(bytes, mark.last_index.value());
    put_number<8>(bytes, mark.hard_state.term.value());
    put_number<8>(bytes, mark.hard_state.vote.value());
    put_number<8>(bytes, mark.snapshot_index.value());
  }
  put_number<4>(bytes, crc32c(bytes));
  return bytes;
}

absl::StatusOr<TailMarks> parse_tail_marks(std::string_view bytes) {
  const absl::Status damaged = absl::DataLossError("the tail guard is torn or damaged");
  FieldReader reader(bytes);
  if (reader.bytes(magic.size()) != magic) return damaged;
  TailMarks marks;
  marks.generation = reader.number<8>();
  marks.wal_number = reader.number<8>();
  marks.wal_bytes = reader.number<8>();
  const std::uint64_t count = reader.number<4>();
  if (!reader.ok() || count > bounds::shards_max || reader.rest().size() < count * shard_bytes + 4) return damaged;
  for (std::uint64_t i = 0; i < count; ++i) {
    TailMark& mark = marks.shards[ShardId(reader.number<2>())];
    mark.last_term = RaftTerm(reader.number<8>());
    mark.last_index = RaftIndex(reader.number<8>());
    mark.hard_state.term = RaftTerm(reader.number<8>());
    mark.hard_state.vote = ReplicaId(reader.number<8>());
    mark.snapshot_index = RaftIndex(reader.number<8>());
  }
  // A file written in place may be longer than what it says now: what follows the checksum is of an older one.
  const std::size_t covered = bytes.size() - reader.rest().size();
  if (reader.number<4>() != crc32c(bytes.substr(0, covered)) || !reader.ok()) return damaged;
  return marks;
}

absl::Status check_tail(const TailMarks& promised, const std::map<ShardId, TailMark>& found) {
  const auto lost = [](ShardId shard, const std::string& what) {
    return absl::DataLossError(
        absl::StrCat("the log of shard ", shard.value(), " has lost what was synced: ", what,
                     ". A file of the store was cut, removed or replaced by an older one. Never start it again as it "
                     "is: restore it, or in a cluster use a new --data-dir"));
  };
  for (const auto& [shard, mark] : promised.shards) {
    const auto at = found.find(shard);
    if (at == found.end()) {
      return lost(shard, absl::StrCat("it had come to index ", mark.last_index.value(), ", and there is none"));
    }
    const TailMark& has = at->second;
    // By term first: a new leader's log may be shorter.
    if (std::tie(has.last_term, has.last_index) < std::tie(mark.last_term, mark.last_index)) {
      return lost(shard,
                  absl::StrCat("it had come to index ", mark.last_index.value(), " of term ", mark.last_term.value(),
                               ", it ends at ", has.last_index.value(), " of term ", has.last_term.value()));
    }
    if (has.hard_state.term < mark.hard_state.term ||
        (has.hard_state.term == mark.hard_state.term && mark.hard_state.vote &&
         has.hard_state.vote != mark.hard_state.vote)) {
      return lost(shard, absl::StrCat("its vote of term ", mark.hard_state.term.value()));
    }
    if (has.snapshot_index < mark.snapshot_index) {
      return lost(shard, absl::StrCat("its snapshot at ", mark.snapshot_index.value()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<TailMarks> TailGuard::read(const std::string& directory) {
  absl::StatusOr<TailMarks> newer = absl::NotFoundError("there is no tail guard");
  for (const std::uint64_t generation : {std::uint64_t{0}, std::uint64_t{1}}) {
    const std::string path = absl::StrCat(directory, "/", file_name(generation));
    auto bytes = read_file(path, guard_bytes_max);
    if (absl::IsNotFound(bytes.status())) continue;
    if (!bytes.ok()) return bytes.status();
    auto marks = parse_tail_marks(*bytes);
    if (marks.ok() ? !newer.ok() || newer->generation < marks->generation : absl::IsNotFound(newer.status())) {
      newer = std::move(marks);
    }
  }
  if (absl::IsDataLoss(newer.status())) {
    return absl::DataLossError(absl::StrCat(directory,
                                            "/TAIL.0 and TAIL.1 are damaged: nothing says whether the log "
                                            "is whole. Never start it again as it is: restore it, or in a "
                                            "cluster use a new --data-dir"));
  }
  return newer;
}

absl::Status TailGuard::write_both(TailMarks marks) {
  for (int file = 0; file < 2; ++file) {
    marks.generation = last_.generation + 1;
    if (auto status = write_file(directory_, file_name(marks.generation), to_bytes(marks)); !status.ok()) return status;
    last_ = marks;
  }
  return absl::OkStatus();
}

absl::Status TailGuard::write(TailMarks marks) {
  marks.generation = last_.generation + 1;
  const std::string path = absl::StrCat(directory_, "/", file_name(marks.generation));
  const Fd file(::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return io_error("cannot open", path, errno);
  if (auto status = write_all(file.get(), to_bytes(marks), path); !status.ok()) return status;
  if (::fdatasync(file.get()) != 0) return io_error("cannot sync", path, errno);
  last_ = std::move(marks);
  return absl::OkStatus();
}

}  // namespace chasqui::storage
