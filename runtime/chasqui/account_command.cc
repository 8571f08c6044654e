// register, login and logout.
#include <boost/json.hpp>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "runtime/chasqui/account.h"
#include "runtime/chasqui/commands.h"
#include "runtime/chasqui/names.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/session.h"

namespace chasqui::cli {
namespace {

absl::StatusOr<Login> enter(const Options& options) {
  auto home = open_locked_home(options);
  if (!home.ok()) return home.status();
  if (const auto login = read_login(*home); login.ok()) {
    return usage_error(absl::StrCat("this home is @", login->credentials.handle, " at ", login->server,
                                    ": run `chasqui logout` first, or say another --home"));
  } else if (absl::IsDataLoss(login.status())) {
    return login.status();
  }
  auto server = choose_server(options, "");
  if (!server.ok()) return server.status();
  const bool is_new = options.command == Command::Register;
  const std::string handle = options.who.starts_with('@') ? options.who.substr(1) : options.who;
  auto password = ask_password(options.password_file, handle, is_new);
  if (!password.ok()) return password.status();
  return call_account(*home, *server, is_new ? AccountCall::Register : AccountCall::Login, handle, *password,
                      seconds(options.timeout_s));
}

// The device says goodbye to the server, and only then forgets itself.
absl::Status leave(Session& session, bool force) {
  Device& device = *session.device();
  bool ended = false;
  const auto try_it = [&] {
    if (!force && device.client().unsent() > 0) return;  // they leave first
    device.transport().call([](client::Client& client, Now now, client::Outputs& out) {
      client.log_out(now, out);
      return 0;
    });
  };
  device.subscribe([&](const client::Happening& happening) {
    if (std::holds_alternative<client::Ended>(happening)) {
      ended = absl::IsUnauthenticated(device.end());  // out, now or long ago
      session.finish(device.end());
    } else if (std::holds_alternative<client::Connected>(happening) ||
               std::holds_alternative<client::SendAccepted>(happening) ||
               std::holds_alternative<client::SendRefused>(happening)) {
      try_it();
    }
  });
  absl::Status status = session.run();
  if (ended) return absl::OkStatus();
  if (device.client().unsent() > 0 && !force) {
    return absl::Status(status.code(), absl::StrCat(device.client().unsent(),
                                                    " messages are not sent yet, so this device stays logged in; ",
                                                    status.message(), "; --force forgets them"));
  }
  return status;
}

}  // namespace

int run_account(const Options& options) {
  const auto login = enter(options);
  if (!login.ok()) {
    report(login.status());
    return exit_code(login.status());
  }
  const client::Credentials& me = login->credentials;
  if (options.json) {
    const boost::json::object object{{"user", absl::StrCat(me.user.value())},
                                     {"device", me.device.value()},
                                     {"handle", me.handle},
                                     {"server", login->server}};
    std::printf("%s\n", boost::json::serialize(object).c_str());
  } else {
    std::printf("@%s is %s at %s\n", me.handle.c_str(),
                options.command == Command::Register ? "registered and logged in" : "logged in", login->server.c_str());
  }
  return exit_done;
}

int run_logout(const Options& options) {
  absl::Status status;
  {
    auto session = Session::open(options, Session::Holding::MustHold);
    status = session.status();
    if (status.ok()) status = leave(**session, options.force);
    if (status.ok()) {
      // The lock is held until the session goes.
      const Home& home = (*session)->home();
      status = forget_login(home);
    }
  }
  report(status);
  if (status.ok() && !options.json) std::printf("logged out\n");
  return exit_code(status);
}

}  // namespace chasqui::cli
