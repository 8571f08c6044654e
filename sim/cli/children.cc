#include "sim/cli/children.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {
namespace {

// What a child tells its parent; plain bytes, one write (less than PIPE_BUF).
struct Told {
  Outcome outcome = Outcome::Crashed;
  int invariant = 0;
  Time at = 0;
  std::uint64_t events = 0;
  std::uint64_t accepted = 0;
  char what[400] = "";
};

}  // namespace

Children::Children(WorldOptions options, unsigned wall_seconds_max)
    : options_(std::move(options)), wall_seconds_max_(wall_seconds_max) {}

Children::~Children() {
  for (const auto& [pid, child] : children_) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    ::close(child.pipe);
  }
}

void Children::be_child(const Plan& plan, int pipe) const {
  if (wall_seconds_max_ > 0) ::alarm(wall_seconds_max_);
  // What a program that fails an assertion says is said once, by the run that the caller shows.
  if (const int nowhere = ::open("/dev/null", O_WRONLY); nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
  const Report report = World(plan, options_).run();
  const Failure failure = failure_of(report);
  Told told;
  told.outcome = failure.outcome;
  told.invariant = failure.invariant;
  told.at = failure.at;
  told.events = report.events;
  told.accepted = report.accepted;
  std::snprintf(told.what, sizeof told.what, "%s", failure.what.c_str());
  (void)!::write(pipe, &told, sizeof told);
  ::_exit(0);
}

bool Children::start(std::uint64_t number, const Plan& plan) {
  int pipe[2];
  if (::pipe(pipe) != 0) return false;
  std::fflush(stdout);
  const pid_t pid = ::fork();
  if (pid < 0) {
    ::close(pipe[0]);
    ::close(pipe[1]);
    return false;
  }
  if (pid == 0) {
    ::close(pipe[0]);
    be_child(plan, pipe[1]);
  }
  ::close(pipe[1]);
  children_[pid] = {number, pipe[0]};
  return true;
}

Children::Ran Children::wait() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, 0);
    if (pid < 0 && errno == ECHILD) std::abort();  // the caller waits for nobody
    const auto it = children_.find(pid);
    if (it == children_.end()) continue;
    const Child child = it->second;
    children_.erase(it);
    Ran ran;
    ran.number = child.number;
    Told told;
    if (::read(child.pipe, &told, sizeof told) == static_cast<ssize_t>(sizeof told)) {
      ran.failure = {told.outcome, told.invariant, told.at, told.what};
      ran.events = told.events;
      ran.accepted = told.accepted;
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
      ran.failure = {Outcome::Undecided, 0, 0, absl::StrCat("not over after ", wall_seconds_max_, " s of wall time")};
    } else {
      ran.failure = {Outcome::Crashed, 0, 0,
                     WIFSIGNALED(status) ? absl::StrCat("the process ended with signal ", WTERMSIG(status))
                                         : absl::StrCat("the process ended with status ", WEXITSTATUS(status))};
    }
    ::close(child.pipe);
    return ran;
  }
}

void Children::stop_above(std::uint64_t number) {
  for (auto it = children_.begin(); it != children_.end();) {
    if (it->second.number <= number) {
      ++it;
      continue;
    }
    ::kill(it->first, SIGKILL);
    ::waitpid(it->first, nullptr, 0);
    ::close(it->second.pipe);
    it = children_.erase(it);
  }
}

}  // namespace chasqui::sim
