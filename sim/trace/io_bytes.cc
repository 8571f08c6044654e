#include "sim/trace/io_bytes.h"

#include <array>

namespace chasqui::sim {

void append_number(std::uint64_t number, std::string& out) {
  std::array<char, 8> bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i));
  out.append(bytes.data(), bytes.size());
}

void append_string(const std::string& text, std::string& out) {
  append_number(text.size(), out);
  out.append(text);
}

namespace {

// One overload for each kind: a new kind that is forgotten here does not compile.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void operator()(const Tick&) {}
  void operator()(const SessionOpened& in) {
    put(in.session.value());
    put(in.address);
  }
  void operator()(const SessionFrame& in) {
    put(in.session.value());
    put(in.bytes);
  }
  void operator()(const SessionWritable& in) {
    put(in.session.value());
    put(in.bytes);
  }
  void operator()(const SessionClosed& in) { put(in.session.value()); }
  void operator()(const CreateAccountCall& call) { put_account(call); }
  void operator()(const LoginCall& call) { put_account(call); }
  void operator()(const ProvisionCall& call) { put_account(call); }
  void operator()(const HttpCall& in) {
    put(in.call.value());
    put(in.address);
    put(in.body.index());
    std::visit(*this, in.body);
  }
  void operator()(const PasswordHashed& in) {
    put(in.call.value());
    put(static_cast<std::uint64_t>(in.result));
    put(in.credential);
  }
  void operator()(const CallAbandoned& in) { put(in.call.value()); }
  void operator()(const PeerFrame& in) {
    put(in.from.value());
    put(in.bytes);
  }
  void operator()(const PeerReachable& in) { put(in.node.value()); }
  void operator()(const PeerUnreachable& in) { put(in.node.value()); }
  void operator()(const LogAppended& in) { put(in.id.value()); }
  void operator()(const ReadDone& in) {
    put(in.read.value());
    put(in.results.size());
    for (const RangeResult& result : in.results) put(result);
  }
  void operator()(const StoreFlushed& in) {
    for (const StoreFlushed::Shard& shard : in.shards) {
      put(shard.shard.value());
      put(shard.applied.value());
    }
  }
  void operator()(const Pressure& in) {
    put(static_cast<std::uint64_t>(in.disk));
    put(in.store_behind ? 1 : 0);
  }
  void operator()(const Drain&) {}
  void operator()(const StreamRowsRead& in) {
    put(in.stream.value());
    put(in.result);
  }
  void operator()(const StreamRowsWritten& in) { put(in.stream.value()); }
  void operator()(const StreamIngested& in) { put(in.stream.value()); }

  void operator()(const SessionSend& out) {
    put(out.session.value());
    put(out.bytes);
  }
  void operator()(const SessionClose& out) {
    put(out.session.value());
    put(out.code);
    put(out.reason);
  }
  void operator()(const SessionRead& out) {
    put(out.session.value());
    put(out.on ? 1 : 0);
  }
  void operator()(const PasswordWork& out) {
    put(out.call.value());
    put(static_cast<std::uint64_t>(out.kind));
    put(out.credential);
  }
  void operator()(const HttpAnswer& out) {
    put(out.call.value());
    put(out.code);
    put(out.message);
    put(out.retry_after_ms);
    put(out.user.value());
    put(out.device.value());
    put(out.handle);
  }
  void operator()(const PeerSend& out) {
    put(out.to.value());
    put(out.bytes);
  }
  void operator()(const LogAppend& out) {
    put(out.id.value());
    put(out.shard.value());
    put(out.reset ? 1 : 0);
    put(out.hard_state ? 1 : 0);
    if (out.hard_state) {
      put(out.hard_state->term.value());
      put(out.hard_state->vote.value());
    }
    put(out.snapshot ? 1 : 0);
    if (out.snapshot) {
      put(out.snapshot->index.value());
      put(out.snapshot->term.value());
      put(out.snapshot->configuration);
      put(out.snapshot->configuration_index.value());
    }
    put(out.first_index.value());
    put(out.entries.size());
    for (const LogEntry& entry : out.entries) {
      put(entry.term.value());
      put(static_cast<std::uint64_t>(entry.type));
      put(entry.payload ? *entry.payload : std::string());
    }
    put(out.drop_below.value());
  }
  void operator()(const Read& out) {
    put(out.read.value());
    put(out.ranges.size());
    for (const RangeRead& range : out.ranges) put(range);
  }
  void operator()(const Note& out) {
    put(static_cast<std::uint64_t>(out.kind));
    put(out.shard.value());
    put(out.session.value());
    put(out.a);
    put(out.b);
  }

  void operator()(const StreamOpen& out) { put(out.stream.value()); }
  void operator()(const StreamRead& out) {
    put(out.stream.value());
    put(out.range);
  }
  void operator()(const StreamWrite& out) {
    put(out.stream.value());
    put(out.rows);
  }
  void operator()(const StreamIngest& out) {
    put(out.stream.value());
    put(out.begin);
    put(out.end);
    put(out.local);
  }
  void operator()(const StreamClose& out) { put(out.stream.value()); }

 private:
  void put(const std::vector<Row>& rows) {
    put(rows.size());
    for (const Row& row : rows) {
      put(row.key);
      put(row.value);
    }
  }
  void put(const RangeResult& result) {
    put(result.more ? 1 : 0);
    put(result.rows);
  }
  void put(const RangeRead& range) {
    put(range.begin);
    put(range.end);
    put(range.rows_max);
    put(range.bytes_max);
    put(range.backwards ? 1 : 0);
  }
  template <class Call>
  void put_account(const Call& call) {
    put(call.handle);
    put(call.device_name);
    put(call.secret_hash);
  }
  void put(std::uint64_t number) { append_number(number, out_); }
  void put(const std::string& text) { append_string(text, out_); }
  void put(const Address& address) { out_.append(reinterpret_cast<const char*>(address.data()), address.size()); }

  std::string& out_;
};

}  // namespace

void append_bytes(const Input& input, std::string& out) {
  out.push_back(static_cast<char>(input.index()));
  std::visit(Writer(out), input);
}

void append_bytes(const Output& output, std::string& out) {
  out.push_back(static_cast<char>(0x80 + output.index()));
  std::visit(Writer(out), output);
}

}  // namespace chasqui::sim
