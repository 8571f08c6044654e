// Faults of links (by proxies) and of disks (by faulty_disk), beside those of processes in cluster.h: each with its
// end, drawn from the same seed, while the phones' loop runs.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cluster/cluster.h"
#include "tests/cluster/proxy.h"

namespace chasqui::cluster {

// On loopback, with a proxy before each peer port, as others see it.
inline std::vector<Place> behind(const Proxies& proxies, std::vector<Place> places) {
  for (std::size_t i = 0; i < places.size(); ++i) places[i].others = proxies.addresses_for(i);
  return places;
}
inline std::vector<Place> with_faulty_disks(std::vector<Place> places) {
  for (Place& place : places) place.faulty_disk = true;
  return places;
}

class LinkFaults {
 public:
  LinkFaults(Cluster& cluster, Phones& phones, Chaos& chaos, Proxies& proxies)
      : nodes_(cluster.size()), phones_(phones), chaos_(chaos), proxies_(proxies) {}

  void one() {
    const std::size_t a = chaos_.draw(0, nodes_ - 1);
    const std::size_t b = (a + chaos_.draw(1, nodes_ - 1)) % nodes_;
    Weather weather;
    ++count;
    switch (chaos_.draw(0, 7)) {
      case 0:
        weather.delay_ms = number(20, 150);
        weather.jitter_ms = number(0, 100);
        for_all_of(a, weather);
        return wait(a, absl::StrCat("links late by ", weather.delay_ms, " ms and up to ", weather.jitter_ms));
      case 1:
        weather.delay_ms = number(50, 800);
        proxies_.set(a, b, weather);
        return wait(a, absl::StrCat("link to node ", b, " late by ", weather.delay_ms, " ms"));
      case 2:
        weather.lost_per_mille = number(10, 200);
        weather.delay_ms = number(1, 20);
        for (std::size_t i = 0; i < nodes_; ++i) for_all_of(i, weather);
        return wait(a, absl::StrCat("all links lose ", weather.lost_per_mille, " of 1000"));
      case 3:
        weather.bytes_per_s = number(20'000, 500'000);
        for_all_of(a, weather);
        return wait(a, absl::StrCat("links carry ", weather.bytes_per_s, " bytes a second"));
      case 4: return resets(a, b);
      case 5:
        weather.is_held = true;
        proxies_.set(a, b, weather);
        return wait(a, absl::StrCat("link to node ", b, " held back"));
      case 6:
        weather.is_held = true;
        for (std::size_t i = 0; i < nodes_; ++i) proxies_.set(a, i, weather);
        return wait(a, "nobody hears it");
      default:
        weather.is_held = true;
        for_all_of(a, weather);
        return wait(a, "cut off from all nodes");
    }
  }

  int count = 0;

 private:
  [[nodiscard]] std::uint32_t number(std::uint32_t from, std::uint32_t to) {
    return static_cast<std::uint32_t>(chaos_.draw(from, to));
  }
  void for_all_of(std::size_t a, const Weather& weather) {
    for (std::size_t i = 0; i < nodes_; ++i) {
      proxies_.set(a, i, weather);
      proxies_.set(i, a, weather);
    }
  }
  void note(std::size_t place, const std::string& step) { phones_.note(static_cast<std::uint32_t>(place), step); }
  void wait(std::size_t a, const std::string& step) {
    note(a, step);
    phones_.run_for(milliseconds(chaos_.draw(1'000, 8'000)));
    proxies_.clear();
    note(a, "links are well");
  }
  void resets(std::size_t a, std::size_t b) {
    note(a, absl::StrCat("connections with node ", b, " reset again and again"));
    const auto until = Clock::now() + milliseconds(chaos_.draw(500, 5'000));
    while (Clock::now() < until) {
      proxies_.reset(a, b);
      phones_.run_for(milliseconds(chaos_.draw(20, 500)));
    }
    note(a, "links are well");
  }

  std::size_t nodes_;
  Phones& phones_;
  Chaos& chaos_;
  Proxies& proxies_;
};

class DiskTrouble {
 public:
  DiskTrouble(Cluster& cluster, Phones& phones, Chaos& chaos) : cluster_(cluster), phones_(phones), chaos_(chaos) {}

  void one() {
    const std::size_t place = chaos_.draw(0, cluster_.size() - 1);
    if (chaos_.draw(0, 1) == 0) {
      slow(place, static_cast<std::uint32_t>(chaos_.draw(200, 2'000)), milliseconds(chaos_.draw(1'000, 8'000)));
    } else {
      fail_a_sync(place);
      take_back(place);
    }
  }

  void slow(std::size_t place, std::uint32_t ms, Clock::duration time) {
    cluster_.node(place).disk().delay_syncs(ms);
    note(place, absl::StrCat("each sync takes ", ms, " ms more"));
    phones_.run_for(time);
    cluster_.node(place).disk().heal();
    note(place, "syncs are well");
    ++slows;
  }
  // One fails, whichever comes next, and those after it succeed: it must have stopped all the same (R1).
  void fail_a_sync(std::size_t place) {
    NodeProcess& node = cluster_.node(place);
    const std::size_t said = node.lines_with(sentence);
    node.disk().fail_syncs(1);
    must_end(place, "a sync fails");
    EXPECT_EQ(node.exit_code(), 74) << node.last_words();
    EXPECT_EQ(node.lines_with(sentence), said + 1) << node.last_words();
    EXPECT_TRUE(std::filesystem::exists(suspect(place))) << node.last_words();
    ++failures;
  }
  void must_end(std::size_t place, const std::string& why) {
    note(place, why);
    EXPECT_TRUE(phones_.run_until([&] { return !cluster_.node(place).is_running(); }, std::chrono::seconds(10)))
        << "it goes on: " << cluster_.node(place).last_words();
    note(place, "stopped");
  }
  // As an operator does who knows that the disk lost nothing but what had failed. (That others would fill a new store
  // is not there yet.)
  void take_back(std::size_t place) {
    cluster_.node(place).disk().heal();
    std::filesystem::remove(suspect(place));
    chaos_.start(place);
    chaos_.wait_until_ready(place);
  }
  [[nodiscard]] std::string suspect(std::size_t place) {
    return absl::StrCat(cluster_.node(place).data(), "/store/SUSPECT");
  }

  static constexpr const char* sentence = "the store may not be used any more";
  int slows = 0;
  int failures = 0;

 private:
  void note(std::size_t place, const std::string& step) { phones_.note(static_cast<std::uint32_t>(place), step); }

  Cluster& cluster_;
  Phones& phones_;
  Chaos& chaos_;
};

}  // namespace chasqui::cluster
