// What the person typed, and what the environment says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace chasqui::cli {

enum class Command {
  None,
  Register,
  Login,
  Logout,
  Chat,
  Send,
  Reply,
  Edit,
  Delete,
  React,
  Pin,
  Unpin,
  Poll,
  Vote,
  Location,
  Contact,
  Timer,
  Forward,
  Presence,
  Privacy,
  Receipts,
  Conversations,
  Log,
  Block,
  Unblock,
  Accept,
  Requests,
  History,
  Inbox,
  Group,
  Completion,
  Cluster,
  Help
};

// `chasqui group ACTION ...`; what belongs to which action says arguments_group.cc.
struct GroupOptions {
  std::string action;
  std::string group;  // its id; of join and unlink: a link
  std::string text;   // a title, a description, a picture, a role
  std::vector<std::string> people;
  std::string description;
  std::string send;  // roles
  std::string edit;
  std::string add;
  std::optional<bool> history;
  bool ban = false;
  bool asks_approval = false;
  std::uint64_t expires_s = 0;
  std::uint32_t uses = 0;
  std::uint64_t for_s = 8 * 3600;
};

struct Options {
  Command command = Command::None;
  // Of all commands.
  std::string server;  // URLs, commas between; empty: the login's, else the default
  std::string home;
  std::string ca_file;
  bool json = false;
  std::string color = "auto";    // auto, always, never
  std::uint32_t timeout_s = 30;  // without any progress
  // Of some.
  std::string who;  // WHO, HANDLE, SHELL, or help's COMMAND
  std::string password_file;
  std::optional<std::string> text;  // nullopt: from stdin
  std::uint64_t seq = 0;            // of the message that it is about
  bool numbers = false;
  std::vector<std::string> words;  // arguments behind WHO [SEQ]
  bool for_me = false;             // delete
  std::uint64_t choices = 1;       // poll
  std::string phone;               // contact
  std::string to;                  // forward: to whom
  std::string presence;            // privacy: everyone, contacts, nobody; empty: only say how it is
  std::string adds;                // likewise
  std::string read_receipts;       // likewise: on, off
  std::optional<std::uint64_t> after_seq;
  std::uint64_t limit = 50;
  bool read = false;  // of inbox
  bool follow = false;
  bool force = false;
  std::string cluster;
  std::vector<std::uint64_t> nodes;
  std::string out;  // folder
  GroupOptions group;
};

constexpr const char* default_server = "http://127.0.0.1:8080";

}  // namespace chasqui::cli
