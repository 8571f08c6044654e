// A running server and people with homes of their own, for tests of the command line.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "bench/harness/server_process.h"
#include "tests/e2e/program.h"

namespace chasqui::e2e {

class ChasquiWorld : public ::testing::Test {
 protected:
  static constexpr const char* password = "correct horse battery";

  void SetUp() override {
    const absl::Status started = server.start();
    ASSERT_TRUE(started.ok()) << started;
  }
  void TearDown() override {
    if (!HasFailure()) return;
    std::ifstream log(server.log_path());
    std::stringstream text;
    text << log.rdbuf();
    std::cerr << "the server's log ends:\n" << text.str().substr(std::max<std::size_t>(text.str().size(), 4000) - 4000);
  }

  [[nodiscard]] std::string home(const std::string& who) const { return folder.path() + "/" + who; }
  // "chasqui --home HOME --server URL", and the rest.
  [[nodiscard]] std::vector<std::string> words(const std::string& who, const std::vector<std::string>& rest) const {
    std::vector<std::string> all{CHASQUI_BIN_DIR "/chasqui", "--home", home(who), "--server", server.endpoint().url()};
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }
  [[nodiscard]] Ran chasqui(const std::string& who, const std::vector<std::string>& rest,
                            const std::string& input = "") const {
    return run(words(who, rest), input);
  }
  void register_user(const std::string& who) const {
    const Ran ran = chasqui(who, {"register", who, "--password-file", "-"}, std::string(password) + "\n");
    ASSERT_EQ(ran.exit_code, 0) << ran.err;
  }

  static std::vector<boost::json::object> objects(const std::string& lines) {
    std::vector<boost::json::object> all;
    std::istringstream stream(lines);
    for (std::string line; std::getline(stream, line);) all.push_back(boost::json::parse(line).as_object());
    return all;
  }
  static std::vector<std::string> texts(const std::string& lines) {
    std::vector<std::string> all;
    for (const auto& object : objects(lines)) all.emplace_back(object.at("text").as_string().c_str());
    return all;
  }
  // A message is in the recipient's index a moment after it was accepted: asks until there are so many lines.
  [[nodiscard]] std::string inbox(const std::string& who, std::size_t lines) const {
    std::string all;
    for (int i = 0; i < 50; ++i) {
      const Ran ran = chasqui(who, {"inbox", "--json"});
      EXPECT_EQ(ran.exit_code, 0) << ran.err;
      all += ran.out;
      if (static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n')) >= lines) break;
      ::usleep(100'000);
    }
    return all;
  }

  bench::TemporaryFolder folder;
  bench::ServerProcess server{CHASQUI_BIN_DIR "/chasquid", folder.path() + "/data", "bench"};
};

}  // namespace chasqui::e2e
