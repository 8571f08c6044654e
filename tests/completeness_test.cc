// A new kind of command leads its author to every place that must know it: this walks the languages and says what
// lacks.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "core/shard/apply.h"
#include "core/testing/mem_store.h"
#include "proto/log.pb.h"
#include "tests/model/shard_model.h"

namespace chasqui {
namespace {

const google::protobuf::OneofDescriptor& bodies() {
  const auto* oneof = log::Command::descriptor()->FindOneofByName("body");
  EXPECT_NE(oneof, nullptr);
  return *oneof;
}

// An entry with one empty command of that kind.
log::Entry entry_of(const google::protobuf::FieldDescriptor& kind) {
  log::Entry entry;
  log::Command& command = *entry.add_commands();
  (void)command.GetReflection()->MutableMessage(&command, &kind);
  return entry;
}

TEST(Completeness, every_command_has_its_file_and_its_case) {
  const std::filesystem::path shard = std::filesystem::path(CHASQUI_SOURCE_DIR) / "core/shard";
  for (int i = 0; i < bodies().field_count(); ++i) {
    const std::string name = bodies().field(i)->name();
    EXPECT_TRUE(std::filesystem::exists(shard / "commands" / (name + ".cc"))) << name;
    EXPECT_TRUE(std::filesystem::exists(shard / "cases" / (name + ".txt"))) << name;
  }
}

TEST(Completeness, every_command_is_known_to_the_machine_and_to_the_model) {
  for (int i = 0; i < bodies().field_count(); ++i) {
    const log::Entry entry = entry_of(*bodies().field(i));
    testing::MemStore store;
    shard::Machine machine(ShardId(0), ShardCount{1}, store);
    const auto applied = machine.apply(RaftIndex(1), RaftTerm(1), true, entry.SerializeAsString());
    ASSERT_EQ(applied.replies.size(), 1U);
    const auto* refused = std::get_if<shard::Refused>(&applied.replies[0]);
    EXPECT_TRUE(refused == nullptr || refused->code != client::UNIMPLEMENTED) << bodies().field(i)->name();

    model::ShardModel model;
    const model::Answer answer = model.apply(entry).at(0);
    const model::Answer unknown{"refused", static_cast<std::uint64_t>(client::UNIMPLEMENTED), 0};
    EXPECT_FALSE(answer == unknown) << bodies().field(i)->name() << " is not in tests/model";
  }
}

// Once a command is known, its number must never mean another: old log entries are read for ever.
TEST(Completeness, no_number_of_a_command_is_used_again) {
  const std::string known =
      "1 create_account, 2 add_device, 3 remove_device, 4 send, 5 mark, 6 notify, 7 move_cursor, 8 renew_device, "
      "9 touch_device, ";
  std::string found;
  for (int number = 1; number < 1'000; ++number) {
    const auto* field = log::Command::descriptor()->FindFieldByNumber(number);
    if (field != nullptr) found += std::to_string(number) + " " + field->name() + ", ";
  }
  EXPECT_EQ(found.substr(0, known.size()), known) << "numbers are only ever added at the end";
  EXPECT_NE(found.find("12 park, 13 unpark, "), std::string::npos) << found;
}

}  // namespace
}  // namespace chasqui
