// Server and command line over TLS: a certificate from a file, and an authority that the client is told to trust.
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "net/testing/certificate.h"
#include "tests/e2e/chasqui_world.h"

namespace chasqui::e2e {
namespace {

class OverTls : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(::chasqui::testing::make_certificate(folder.path()));
    std::ofstream(path("chasquid.toml")) << "[tls]\ncertificate = \"" << path("cert.pem") << "\"\nkey = \""
                                         << path("key.pem") << "\"\n";
    server = std::make_unique<Program>(std::vector<std::string>{bin("chasquid"), "--config", path("chasquid.toml"),
                                                                "--data-dir", path("data"), "--listen", "127.0.0.1:0"});
    for (int i = 0; i < 500 && address.empty(); ++i) {
      std::ifstream listen(path("data/listen"));
      if (!std::getline(listen, address)) ::usleep(20'000);
    }
    ASSERT_FALSE(address.empty()) << "it writes where it listens";
  }

  static std::string bin(const std::string& program) { return absl::StrCat(CHASQUI_BIN_DIR, "/", program); }
  [[nodiscard]] std::string path(const std::string& file) const { return folder.path() + "/" + file; }
  [[nodiscard]] Ran chasqui(const std::string& who, const std::string& scheme, std::vector<std::string> rest,
                            const std::string& input = "") const {
    std::vector<std::string> words{bin("chasqui"), "--home", path(who), "--server", scheme + address};
    words.insert(words.end(), rest.begin(), rest.end());
    return run(words, input);
  }

  bench::TemporaryFolder folder;
  std::unique_ptr<Program> server;
  std::string address;
};

TEST_F(OverTls, two_people_chat_and_who_trusts_another_authority_does_not) {
  const std::string ca = path("cert.pem");
  for (const char* who : {"ana", "beto"}) {
    const Ran ran =
        chasqui(who, "https://", {"--ca-file", ca, "register", who, "--password-file", "-"}, "correct horse battery\n");
    ASSERT_EQ(ran.exit_code, 0) << ran.err;
  }
  const Ran sent = chasqui("ana", "https://", {"--ca-file", ca, "send", "beto", "hola"});
  EXPECT_EQ(sent.exit_code, 0) << sent.err;
  const Ran history = chasqui("beto", "https://", {"--ca-file", ca, "history", "ana"});
  EXPECT_EQ(history.exit_code, 0) << history.err;
  EXPECT_NE(history.out.find("ana: hola"), std::string::npos) << history.out;

  const Ran untrusted = chasqui("ana", "https://", {"send", "beto", "again"});
  EXPECT_EQ(untrusted.exit_code, 3) << "the system's authorities do not know this certificate: " << untrusted.err;
  EXPECT_NE(untrusted.err.find("certificate"), std::string::npos) << untrusted.err;
  const Ran plain = chasqui("ana", "http://", {"--timeout", "3", "history", "beto"});
  EXPECT_NE(plain.exit_code, 0) << "plain text on the TLS port";
}

}  // namespace
}  // namespace chasqui::e2e
