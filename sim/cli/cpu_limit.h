// How much CPU a run may use. Not how long it may take: on a busy machine that would say nothing about the seed.
#pragma once

#include <sys/time.h>
#include <sys/wait.h>

#include <csignal>

namespace chasqui::sim {

// Of one seed. A step that never ends can be seen from outside only.
constexpr unsigned seed_cpu_seconds_max = 120;

// From now on, of this process.
inline void limit_cpu(unsigned seconds) {
  struct itimerval timer{};
  timer.it_value.tv_sec = seconds;
  ::setitimer(ITIMER_PROF, &timer, nullptr);
}

// `status`, as of waitpid.
inline bool ended_by_cpu_limit(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF;
}

}  // namespace chasqui::sim
