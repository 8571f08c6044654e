#include "runtime/password.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace chasqui {
namespace {

using Result = PasswordHashed::Result;

struct Answers {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<PasswordHashed> all;
  std::function<void(PasswordHashed)> taker() {
    return [this](PasswordHashed answer) {
      const std::lock_guard lock(mutex);
      all.push_back(std::move(answer));
      changed.notify_all();
    };
  }
  bool wait(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(60), [&] { return all.size() >= count; });
  }
};

PasswordWork verify(std::uint64_t call, std::string credential) {
  return {CallId(call), PasswordWork::Kind::Verify, std::move(credential)};
}

TEST(Password, a_password_is_known_again_and_another_is_not) {
  const std::string credential = hash_password(Secret("correct horse battery"));
  EXPECT_EQ(credential.substr(0, 10), "$argon2id$");
  EXPECT_EQ(credential.find("horse"), std::string::npos);
  EXPECT_TRUE(verify_password(credential, Secret("correct horse battery")));
  EXPECT_FALSE(verify_password(credential, Secret("correct horse batterz")));
}

TEST(Password, without_a_credential_it_is_wrong_and_takes_as_long) {
  const std::string credential = hash_password(Secret("correct horse battery"));
  const auto seconds = [](auto work) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(work());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const double wrong = seconds([&] { return verify_password(credential, Secret("wrong")); });
  const double nobody = seconds([&] { return verify_password("", Secret("wrong")); });
  // The same work; the machine's noise is not: a refusal without work would be a thousand times faster.
  EXPECT_GT(nobody, wrong / 5);
  EXPECT_LT(nobody, wrong * 5);
}

TEST(Password, a_damaged_credential_is_simply_wrong) {
  EXPECT_FALSE(verify_password("$argon2id$nonsense", Secret("x")));
}

TEST(Password, over_the_limit_the_answer_is_overloaded_at_once) {
  Limits limits;
  limits.passwords_running_max = 1;
  limits.passwords_waiting_max = 2;
  Answers answers;
  PasswordPool pool(limits, answers.taker());
  for (std::uint64_t call = 1; call <= 20; call++) {
    pool.submit(verify(call, ""), Secret("x"));
  }
  ASSERT_TRUE(answers.wait(20));
  std::size_t overloaded = 0;
  for (const PasswordHashed& answer : answers.all) {
    overloaded += answer.result == Result::Overloaded ? 1 : 0;
  }
  EXPECT_GE(overloaded, 10U);
  EXPECT_LE(overloaded, 18U);
}

TEST(Secret, a_move_leaves_nothing_behind) {
  Secret first("something long enough for the heap");
  const Secret second(std::move(first));
  EXPECT_EQ(first.reveal(), "");  // NOLINT: what a move leaves is the point
  EXPECT_EQ(second.reveal(), "something long enough for the heap");
}

}  // namespace
}  // namespace chasqui
