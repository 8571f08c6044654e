// make_corpora DIR: writes the first inputs of every fuzz target to DIR/TARGET/, one of each kind, so that a fuzzer
// starts from what is legal. Run it when a language gains a kind: build/dev/bin/make_corpora fuzz/corpora
#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/ids.h"
#include "core/base/keys.h"
#include "core/wire/addressed.h"
#include "core/wire/frames.h"
#include "proto/client.pb.h"
#include "proto/log.pb.h"
#include "proto/peer.pb.h"

namespace chasqui {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr UserId ana(0x1234567);
constexpr UserId beto(0x89ABCDE);

void write(const std::filesystem::path& folder, const std::string& name, const std::string& bytes) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << bytes;
}

// Every field set, to values that look like what they are named for; repeated ones twice.
void fill(Message& message, int levels) {
  const auto* reflection = message.GetReflection();
  const auto* descriptor = message.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (field->real_containing_oneof() != nullptr && field->real_containing_oneof()->field(0) != field) continue;
    const int times = field->is_repeated() ? 2 : 1;
    for (int n = 0; n < times; ++n) {
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_MESSAGE: {
          if (levels == 0) break;
          Message* inner = field->is_repeated() ? reflection->AddMessage(&message, field)
                                                : reflection->MutableMessage(&message, field);
          fill(*inner, levels - 1);
          break;
        }
        case FieldDescriptor::CPPTYPE_STRING: {
          const std::string& name = field->name();
          std::string value = name.find("conversation") != std::string::npos ? ConversationId::direct(ana, beto).str()
                              : name.find("secret") != std::string::npos || name == "digest" || name == "chain"
                                  ? std::string(32, 's')
                              : name == "nonce" || name == "cluster" ? std::string(16, 'n')
                                                                     : "hola";
          if (field->is_repeated()) {
            reflection->AddString(&message, field, value);
          } else {
            reflection->SetString(&message, field, value);
          }
          break;
        }
        case FieldDescriptor::CPPTYPE_UINT64: {
          const std::uint64_t value = field->name() == "user" || field->name() == "sender" ? ana.value() : 1;
          if (field->is_repeated()) {
            reflection->AddUInt64(&message, field, value);
          } else {
            reflection->SetUInt64(&message, field, value);
          }
          break;
        }
        case FieldDescriptor::CPPTYPE_UINT32: reflection->SetUInt32(&message, field, 1); break;
        case FieldDescriptor::CPPTYPE_INT64: reflection->SetInt64(&message, field, 1'700'000'000'000); break;
        case FieldDescriptor::CPPTYPE_BOOL: reflection->SetBool(&message, field, true); break;
        case FieldDescriptor::CPPTYPE_ENUM: reflection->SetEnumValue(&message, field, 1); break;
        case FieldDescriptor::CPPTYPE_INT32:
        case FieldDescriptor::CPPTYPE_FLOAT:
        case FieldDescriptor::CPPTYPE_DOUBLE: break;  // our languages have none
      }
    }
  }
}

// One message for each kind of its `body`, the rest of the fields filled.
template <class Whole>
std::vector<std::pair<std::string, Whole>> each_kind() {
  std::vector<std::pair<std::string, Whole>> all;
  const auto* body = Whole::descriptor()->FindOneofByName("body");
  for (int i = 0; i < body->field_count(); ++i) {
    Whole whole;
    fill(whole, 0);
    fill(*whole.GetReflection()->MutableMessage(&whole, body->field(i)), 4);
    all.emplace_back(body->field(i)->name(), whole);
  }
  return all;
}

void client_frames(const std::filesystem::path& root) {
  std::string all;
  for (const auto& [name, frame] : each_kind<client::ClientFrame>()) {
    std::string bytes;
    wire::append_client_frame(frame, bytes);
    write(root / "client_frame", name, bytes);
    all += bytes;
  }
  write(root / "client_frame", "all", all);
  for (const auto& [name, frame] : each_kind<client::ServerFrame>()) {
    std::string bytes;
    wire::append_server_frame(frame, bytes);
    write(root / "client_frame", "server_" + name, bytes);
  }
}

// peer_frame_fuzz reads: 1 byte piece size - 1, 1 byte whether to frame the rest, the rest.
void peer_frames(const std::filesystem::path& root) {
  std::string all;
  for (const auto& [name, frame] : each_kind<peer::PeerFrame>()) {
    wire::append_framed(frame.SerializeAsString(), all);
    write(root / "peer_frame", name, std::string("\x10\x01", 2) + frame.SerializeAsString());
  }
  for (const auto& [name, message] : each_kind<peer::RaftMessage>()) {
    peer::PeerFrame frame;
    *frame.mutable_raft()->add_messages() = message;
    wire::append_framed(frame.SerializeAsString(), all);
    write(root / "peer_frame", "raft_" + name, std::string("\x01\x01", 2) + frame.SerializeAsString());
  }
  write(root / "peer_frame", "all", std::string("\x06\x00", 2) + all);
}

// peer_hello_fuzz reads: 1 byte piece size - 1, 1 byte whether the rest is a body without its address, the rest.
void peer_hellos(const std::filesystem::path& root) {
  for (const auto& [name, frame] : each_kind<peer::PeerFrame>()) {
    write(root / "peer_hello", name, std::string("\x10\x01", 2) + frame.SerializeAsString());
  }
  peer::PeerFrame good;
  peer::PeerHello& hello = *good.mutable_hello();
  hello.set_protocol_version(1);
  hello.set_cluster(std::string(16, 'n'));
  hello.set_node(2);
  hello.set_to(1);
  hello.set_shards(64);
  hello.set_feature_level(1);
  for (const std::uint64_t node : {2, 4098}) {
    peer::PeerStore& store = *hello.add_stores();
    store.set_node(node);
    store.set_store(std::string(16, 's'));
  }
  write(root / "peer_hello", "good", std::string("\x10\x01", 2) + good.SerializeAsString());
  std::string stream;
  wire::append_addressed({NodeId(2), NodeId()}, good.SerializeAsString(), stream);
  write(root / "peer_hello", "good_stream", std::string("\x03\x00", 2) + stream + stream);
  write(root / "peer_hello", "http", std::string("\xFF\x00", 2) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

// raft_message_fuzz reads operations of 1 byte: 0 a sync, 1 time, 2 a message (1 byte length and the bytes), 12 the end
// of an install.
void raft_messages(const std::filesystem::path& root) {
  std::string all(1, '\0');
  for (const auto& [name, message] : each_kind<peer::RaftMessage>()) {
    const std::string bytes = message.SerializeAsString();
    if (bytes.size() > 255) continue;
    std::string one = '\x02' + std::string(1, static_cast<char>(bytes.size())) + bytes;
    one += std::string("\x00\x0C\x00", 3);
    write(root / "raft_message", name, std::string(1, '\0') + one + one + '\xFD' + one);
    all += one;
  }
  write(root / "raft_message", "all", all + '\xFD' + '\xFD' + all);
}

void key_rows(const std::filesystem::path& root) {
  const auto conversation = ConversationId::direct(ana, beto);
  const ShardId shard(63);
  const auto folder = root / "keys";
  write(folder, "header", keys::header(shard, conversation));
  write(folder, "event", keys::event(shard, conversation, Seq(7)));
  write(folder, "account", keys::account(shard, ana));
  write(folder, "device", keys::device(shard, ana, DeviceId(1)));
  write(folder, "index", keys::index(shard, ana, conversation));
  write(folder, "version", keys::version(shard, ana, Version(9)));
  write(folder, "handle", keys::handle(shard, "ana"));
  write(folder, "feed", keys::feed(ShardId(65'535), RaftIndex(1)));
  write(folder, "parked", keys::parked(ShardId(65'535), ShardId(63), ana, conversation));
  write(folder, "numbers", keys::numbers(ShardId(0)));
  write(folder, "ingested", keys::ingested(ShardId(3)));
}

std::string sized(const std::string& entry) {
  std::string out;
  out.push_back(static_cast<char>(entry.size() >> 8));
  out.push_back(static_cast<char>(entry.size() & 0xFF));
  return out + entry;
}

// entry_fuzz reads: (2 bytes length, entry) repeated; length 0xFFFF is a barrier.
void entries(const std::filesystem::path& root) {
  const auto folder = root / "entry";
  std::string all = "\xFF\xFF";
  for (const UserId user : {ana, beto}) {  // two accounts, so that what follows meets somebody
    log::Entry entry;
    entry.set_log_time_ms(1'700'000'000'000);
    auto& account = *entry.add_commands()->mutable_create_account();
    account.set_handle(user == ana ? "ana" : "beto");
    account.set_user(user.value());
    account.set_credential("$argon2id$");
    account.set_device_name("phone");
    account.set_secret_hash(std::string(32, 's'));
    all += sized(entry.SerializeAsString());
  }
  const std::string accounts = all;
  for (const auto& [name, command] : each_kind<log::Command>()) {
    log::Entry entry;
    entry.set_log_time_ms(1'700'000'000'001);
    *entry.add_commands() = command;
    const std::string bytes = sized(entry.SerializeAsString());
    write(folder, name, accounts + bytes + bytes);
    all += bytes;
  }
  write(folder, "all", all);
}

// node_fuzz reads operations of 1 byte: 0x00 a message of ana's session, 0x10 of beto's, 0x20 of a socket without
// Hello, 0x02 a peer's frame (each with 2 bytes length and the bytes), 0x03 time (2 bytes, ms), 0x09 kill -9.
void node_inputs(const std::filesystem::path& root) {
  const auto folder = root / "node";
  std::string all;
  for (const auto& [name, frame] : each_kind<client::ClientFrame>()) {
    std::string bytes;
    wire::append_client_frame(frame, bytes);
    const std::string twice = std::string(1, '\0') + sized(bytes) + '\x20' + sized(bytes);
    write(folder, name, twice + std::string("\x03\x07\xD0", 3));
    all += twice;
  }
  for (const auto& [name, message] : each_kind<peer::RaftMessage>()) {
    peer::PeerFrame frame;
    *frame.mutable_raft()->add_messages() = message;
    write(folder, "raft_" + name, '\x02' + sized(frame.SerializeAsString()) + std::string("\x03\x07\xD0", 3));
  }
  for (const auto& [name, frame] : each_kind<peer::PeerFrame>()) {
    write(folder, "peer_" + name, '\x02' + sized(frame.SerializeAsString()) + std::string("\x03\x07\xD0", 3));
  }
  write(folder, "all", all + '\x03' + std::string("\x03\xE8\x09", 3) + all);
  // Slow disk, a message, kill -9, a login, a slow reader, a full disk, the stop.
  std::string send;
  wire::append_client_frame(each_kind<client::ClientFrame>()[1].second, send);
  write(folder, "faults",
        '\x07' + (std::string(1, '\0') + sized(send)) + '\x09' + '\x05' + '\x08' +
            (std::string(1, '\0') + sized(send)) + std::string("\x0E\x02\x00", 3) + '\xFF');
  write(folder, "login",
        std::string("\x0A\x05") + "carla" + '\x05' + "phone" + "h" + '\x1A' + '\x05' + "carla" + '\x05' + "phone" +
            "h" + '\x0B');
}

}  // namespace
}  // namespace chasqui

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_corpora DIR\n");
    return 2;
  }
  chasqui::client_frames(argv[1]);
  chasqui::peer_frames(argv[1]);
  chasqui::peer_hellos(argv[1]);
  chasqui::raft_messages(argv[1]);
  chasqui::key_rows(argv[1]);
  chasqui::entries(argv[1]);
  chasqui::node_inputs(argv[1]);
  return 0;
}
