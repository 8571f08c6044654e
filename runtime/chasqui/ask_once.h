// What commands that ask one question share: a session, whose end is the command's end.
#pragma once

#include <boost/json.hpp>
#include <utility>

#include "runtime/chasqui/options.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/session.h"

namespace chasqui::cli {

// Asker(session, options).run(request): the exit code.
template <class Asker>
int ask_once(const Options& options, boost::json::object request) {
  auto session = Session::open(options, Session::Holding::Any);
  if (!session.ok()) {
    report(session.status());
    return exit_code(session.status());
  }
  return Asker(**session, options).run(std::move(request));
}

}  // namespace chasqui::cli
