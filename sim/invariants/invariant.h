// What every judge is: a small class with a number, which reads facts and says what must never be.
//
// It keeps what it needs of the history and nothing else. It never reads the world. After its first violations it stays
// quiet: the first is the one that counts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/event_queue.h"
#include "sim/history.h"

namespace chasqui::sim {

struct Violation {
  int number = 0;  // of the invariant
  Time at = 0;
  std::string what;
};

class Invariant {
 public:
  Invariant(int number, const char* name) : number_(number), name_(name) {}
  Invariant(const Invariant&) = delete;
  Invariant& operator=(const Invariant&) = delete;
  virtual ~Invariant() = default;

  virtual void see(Time at, const Fact& fact) = 0;
  // The run is over, all has healed. What must hold at the end is judged now.
  virtual void finish(Time at) { (void)at; }

  // Must it have compared something in a run in which messages were accepted? Else the run is vacuous.
  [[nodiscard]] virtual bool needed() const { return true; }
  // It reads taps at nodes: where only devices were watched it may have compared nothing.
  [[nodiscard]] virtual bool tapped() const { return false; }

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] const char* name() const { return name_; }
  // How often it compared something. A judge that never did has shown nothing.
  [[nodiscard]] std::uint64_t checks() const { return checks_; }
  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }
  // From now on each violation is counted there too.
  void count_in(std::uint64_t& total) { total_ = &total; }

 protected:
  static constexpr std::size_t violations_kept_max = 8;

  void violated(Time at, std::string what) {
    if (total_ != nullptr) ++*total_;
    if (violations_.size() < violations_kept_max) violations_.push_back({number_, at, std::move(what)});
  }
  // Counts a comparison; a false one is a violation, which `what()` describes.
  template <class What>
  void check(bool holds, Time at, What what) {
    ++checks_;
    if (!holds) violated(at, what());
  }

 private:
  int number_;
  const char* name_;
  std::uint64_t checks_ = 0;
  std::uint64_t* total_ = nullptr;
  std::vector<Violation> violations_;
};

}  // namespace chasqui::sim
