#include "runtime/chasqui/completion.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace chasqui::cli {
namespace {

struct Flag {
  std::string name;  // without dashes
  std::string description;
  bool takes_value = false;
  bool takes_file = false;
  bool takes_folder = false;
};
struct Verb {
  std::string name;
  std::string description;
  std::vector<Flag> flags;
  std::vector<std::string> words;  // that its argument may be
};

std::vector<Flag> flags_of(const CLI::App& app) {
  std::vector<Flag> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      flags.push_back({name, option->get_description(), option->get_type_size() > 0,
                       option->get_type_name().find("FILE") != std::string::npos,
                       option->get_type_name().find("DIR") != std::string::npos});
    }
  }
  return flags;
}

std::vector<Verb> verbs_of(const CLI::App& grammar) {
  std::vector<Verb> verbs;
  for (const CLI::App* sub : grammar.get_subcommands([](const CLI::App*) { return true; })) {
    Verb verb{sub->get_name(), sub->get_description(), flags_of(*sub), {}};
    if (verb.name == "completion") verb.words = {"bash", "zsh", "fish"};
    if (verb.name == "group") {
      for (const CLI::App* action : sub->get_subcommands([](const CLI::App*) { return true; })) {
        verb.words.push_back(action->get_name());
      }
    }
    if (verb.name == "cluster") verb.words = {"init-certs"};
    verbs.push_back(std::move(verb));
  }
  for (Verb& verb : verbs) {
    if (verb.name != "help") continue;
    for (const Verb& other : verbs) verb.words.push_back(other.name);
  }
  return verbs;
}

std::string dashed(const std::vector<Flag>& flags) {
  return absl::StrJoin(flags, " ", [](std::string* out, const Flag& flag) { absl::StrAppend(out, "--", flag.name); });
}

std::string names(const std::vector<Verb>& verbs) {
  return absl::StrJoin(verbs, " ", [](std::string* out, const Verb& verb) { out->append(verb.name); });
}

std::string quoted(const std::string& text) {
  return absl::StrReplaceAll(text, {{"'", "'\\''"}});
}

std::string bash(const std::vector<Flag>& common, const std::vector<Verb>& verbs) {
  std::string files = "";
  std::string values = "";
  std::vector<Flag> all = common;
  for (const Verb& verb : verbs) all.insert(all.end(), verb.flags.begin(), verb.flags.end());
  for (const Flag& flag : all) {
    if (flag.takes_value) absl::StrAppend(&values, values.empty() ? "" : "|", "--", flag.name);
    if (flag.takes_file || flag.takes_folder) absl::StrAppend(&files, files.empty() ? "" : "|", "--", flag.name);
  }
  std::string cases;
  for (const Verb& verb : verbs) {
    absl::StrAppend(&cases, "    ", verb.name, ") words='", absl::StrJoin(verb.words, " "), " ", dashed(verb.flags),
                    "' ;;\n");
  }
  return absl::StrCat(
      "# bash completion of chasqui: source <(chasqui completion bash)\n_chasqui() {\n",
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}",
      " verb= words= i\n  case $previous in\n    ", files, ") COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n",
      "    --color) COMPREPLY=($(compgen -W 'auto always never' -- \"$current\")); return ;;\n    ", values,
      ") return ;;\n  esac\n", "  for ((i = 1; i < COMP_CWORD; i++)); do\n    case ${COMP_WORDS[i]} in\n      ", values,
      ") ((i++)) ;;\n      -*) ;;\n      *) verb=${COMP_WORDS[i]}; break ;;\n    esac\n  done\n",
      "  case $verb in\n    '') words='", names(verbs), "' ;;\n", cases, "  esac\n",
      "  COMPREPLY=($(compgen -W \"$words ", dashed(common), "\" -- \"$current\"))\n}\n",
      "complete -F _chasqui chasqui\n");
}

std::string zsh_flag(const Flag& flag) {
  const std::string about =
      absl::StrReplaceAll(flag.description, {{"'", "'\\''"}, {"[", "("}, {"]", ")"}, {":", "\\:"}});
  const char* value = !flag.takes_value   ? ""
                      : flag.takes_folder ? ":folder:_files -/"
                      : flag.takes_file   ? ":file:_files"
                                          : ":value:";
  return absl::StrCat("'--", flag.name, "[", about, "]", value, "'");
}

std::string zsh(const std::vector<Flag>& common, const std::vector<Verb>& verbs) {
  std::string out = "#compdef chasqui\n# zsh completion of chasqui: source <(chasqui completion zsh)\n_chasqui() {\n";
  absl::StrAppend(&out, "  local -a common verbs\n  common=(\n");
  for (const Flag& flag : common) absl::StrAppend(&out, "    ", zsh_flag(flag), "\n");
  absl::StrAppend(&out, "  )\n  verbs=(\n");
  for (const Verb& verb : verbs) absl::StrAppend(&out, "    '", verb.name, ":", quoted(verb.description), "'\n");
  absl::StrAppend(&out, "  )\n  _arguments -C $common '1:command:->verb' '*::argument:->rest'\n",
                  "  case $state in\n    verb) _describe command verbs ;;\n    rest)\n      case $words[1] in\n");
  for (const Verb& verb : verbs) {
    absl::StrAppend(&out, "        ", verb.name, ") _arguments $common");
    for (const Flag& flag : verb.flags) absl::StrAppend(&out, " ", zsh_flag(flag));
    if (!verb.words.empty()) absl::StrAppend(&out, " '1:word:(", absl::StrJoin(verb.words, " "), ")'");
    absl::StrAppend(&out, " ;;\n");
  }
  return absl::StrCat(out, "      esac ;;\n  esac\n}\ncompdef _chasqui chasqui\n");
}

std::string fish(const std::vector<Flag>& common, const std::vector<Verb>& verbs) {
  std::string out = "# fish completion of chasqui: chasqui completion fish | source\ncomplete -c chasqui -f\n";
  const auto add_flag = [&out](const Flag& flag, const std::string& condition) {
    absl::StrAppend(&out, "complete -c chasqui", condition, " -l ", flag.name, flag.takes_value ? " -x" : "",
                    flag.takes_file || flag.takes_folder ? " -F" : "", " -d '", quoted(flag.description), "'\n");
  };
  for (const Flag& flag : common) add_flag(flag, "");
  for (const Verb& verb : verbs) {
    absl::StrAppend(&out, "complete -c chasqui -n __fish_use_subcommand -a ", verb.name, " -d '",
                    quoted(verb.description), "'\n");
    const std::string condition = absl::StrCat(" -n '__fish_seen_subcommand_from ", verb.name, "'");
    for (const Flag& flag : verb.flags) add_flag(flag, condition);
    if (!verb.words.empty()) {
      absl::StrAppend(&out, "complete -c chasqui", condition, " -a '", absl::StrJoin(verb.words, " "), "'\n");
    }
  }
  return out;
}

}  // namespace

std::string completion(const CLI::App& grammar, std::string_view shell) {
  const std::vector<Flag> common = flags_of(grammar);
  const std::vector<Verb> verbs = verbs_of(grammar);
  if (shell == "zsh") return zsh(common, verbs);
  return shell == "fish" ? fish(common, verbs) : bash(common, verbs);
}

}  // namespace chasqui::cli
