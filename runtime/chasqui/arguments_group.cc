// `chasqui group`: one grammar for each action.
#include "runtime/chasqui/arguments.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <string>
#include <vector>

namespace chasqui::cli {
namespace {

const std::vector<std::string> roles = {"member", "admin", "owner"};

CLI::App* action(CLI::App& group, Options& options, const char* name, const char* description) {
  CLI::App* sub = group.add_subcommand(name, description);
  sub->fallthrough();
  sub->callback([&options, name] { options.group.action = name; });
  return sub;
}

CLI::App* of_group(CLI::App& group, Options& options, const char* name, const char* description) {
  CLI::App* sub = action(group, options, name, description);
  sub->add_option("GROUP", options.group.group, "the group's id, as `chasqui group create` printed it")->required();
  return sub;
}

CLI::App* about_people(CLI::App& group, Options& options, const char* name, const char* description, bool many) {
  CLI::App* sub = of_group(group, options, name, description);
  if (many) {
    sub->add_option("WHO", options.group.people, "handles, with or without @")->required();
  } else {  // a list would take what stands behind it, too
    const auto take = [&options](const std::string& who) { options.group.people = {who}; };
    sub->add_option_function<std::string>("WHO", take, "a handle, with or without @")->required();
  }
  return sub;
}

void add_permissions(CLI::App& sub, Options& options) {
  const auto may = [&](const char* name, std::string& role, const char* description) {
    sub.add_option(name, role, description)->check(CLI::IsMember(roles))->type_name("ROLE");
  };
  may("--send", options.group.send, "the least role that may write");
  may("--edit", options.group.edit, "... change title, description and picture");
  may("--add", options.group.add, "... add members");
  sub.add_flag("--history,!--no-history", options.group.history, "whether newcomers see what was before them");
}

void add_people_actions(CLI::App& group, Options& options) {
  about_people(group, options, "add", "make people members", true);
  CLI::App* remove = about_people(group, options, "remove", "take a member out", false);
  remove->add_flag("--ban", options.group.ban, "and let nobody add them again, until unban");
  about_people(group, options, "unban", "lift somebody's ban", false);
  CLI::App* role = about_people(group, options, "role", "name an admin, or pass the group on", false);
  role->add_option("ROLE", options.group.text, "member, admin or owner")->required()->check(CLI::IsMember(roles));
  CLI::App* mute = about_people(group, options, "mute", "let a member read alone, for a while", false);
  mute->add_option("--for", options.group.for_s, "so long (default 8 hours)")->type_name("SECONDS");
  about_people(group, options, "unmute", "let a member write again", false);
  about_people(group, options, "admit", "let in somebody who asks", false);
  about_people(group, options, "deny", "turn down somebody who asks", false);
}

void add_link_actions(CLI::App& group, Options& options) {
  CLI::App* link = of_group(group, options, "link", "make an invite link, and print it: it is not shown again");
  link->add_flag("--approval", options.group.asks_approval, "who comes by it waits for an admin");
  link->add_option("--expires", options.group.expires_s, "after so long (default: never)")->type_name("SECONDS");
  link->add_option("--uses", options.group.uses, "at most so often (default: no limit)")->type_name("N");
  for (const char* name : {"unlink", "join"}) {
    CLI::App* sub =
        action(group, options, name,
               name[0] == 'j' ? "join by an invite link, or as one who is invited" : "revoke an invite link");
    sub->add_option("LINK", options.group.group, "as `chasqui group link` printed it; of an invitation: the group's id")
        ->required();
  }
}

}  // namespace

void add_group_command(CLI::App& grammar, Options& options) {
  CLI::App* group = grammar.add_subcommand("group", "create a group, change it, or show how it stands");
  group->require_subcommand(1);
  group->fallthrough();
  group->final_callback([&options] { options.command = Command::Group; });

  CLI::App* create = action(*group, options, "create", "create a group, and print its id");
  create->add_option("TITLE", options.group.text, "its title")->required();
  create->add_option("WHO", options.group.people, "its first members, beside oneself");
  create->add_option("--description", options.group.description, "what it is about")->type_name("TEXT");
  add_permissions(*create, options);
  of_group(*group, options, "show", "how it stands, and who is in it");
  for (const char* name : {"title", "description", "picture"}) {
    CLI::App* sub = of_group(*group, options, name, "change it");
    sub->add_option("TEXT", options.group.text, name[0] == 'p' ? "a blob's id; nothing: none" : "the new one");
  }
  add_people_actions(*group, options);
  CLI::App* permissions = of_group(*group, options, "permissions", "change who may do what");
  add_permissions(*permissions, options);
  add_link_actions(*group, options);
  of_group(*group, options, "leave", "leave it");
  of_group(*group, options, "delete", "take everybody out, for good");
}

}  // namespace chasqui::cli
