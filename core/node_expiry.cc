// Messages that disappear: the leader of their shard reads which are due, and proposes that they be erased.
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/node_impl.h"

namespace chasqui {

void Node::Impl::gather_expired(Shard& shard, Now now) {
  log::Command command;
  if (!shard.expiry.take(*command.mutable_expire())) return;
  if (enqueue(shard, command, ExpireOrigin{}, now, MonoTime::never(), false)) shard.expiry.refused(now);
}

void Node::Impl::read_expired(Shard& shard, Now now, Outputs& out) {
  if (!shard.expiry.wants_rows(now, entry_time(shard, now))) return;
  RangeRead range;
  range.begin = keys::expiry_begin(shard.id);
  range.end = keys::expiry_end(shard.id);
  range.rows_max = fanout::Expiry::rows_max;
  const RaftTerm term = shard.replica.term();
  const bool asked = read(
      {range},
      [this, id = shard.id, term](Now then, ReadDone& done, Outputs&) {
        Shard& reader = shard_at(id);
        if (!reader.led || reader.replica.term() != term || done.results.empty()) return;
        std::vector<log::DueEvent> rows;
        for (const Row& row : done.results[0].rows) {
          const auto key = keys::parse(row.key);
          if (!key || key->kind != keys::Kind::Expiry) continue;
          log::DueEvent& due = rows.emplace_back();
          due.set_conversation(key->conversation.str());
          due.set_seq(key->number);
          due.set_expires_ms(key->expires_ms);
        }
        reader.expiry.rows_read(rows, entry_time(reader, then));
        touched_.insert(id);
      },
      out);
  if (asked) {
    CHASQUI_MARK("expiry_read");
    shard.expiry.reading();
  } else {
    shard.expiry.put_off(now);
  }
}

MonoTime Node::Impl::expiry_deadline(Shard& shard) const {
  const Now now{now_, wall_};
  return shard.expiry.next_deadline(now, entry_time(shard, now));
}

}  // namespace chasqui
