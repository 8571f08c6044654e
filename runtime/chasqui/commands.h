// The commands. Each returns the exit code (outcome.h), having said on stderr what went wrong.
#pragma once

#include "runtime/chasqui/options.h"

namespace chasqui::cli {

int run_account(const Options& options);  // register, login
int run_logout(const Options& options);
int run_send(const Options& options);
int run_hide(const Options& options);  // delete --for-me
int run_presence(const Options& options);
int run_privacy(const Options& options);
int run_receipts(const Options& options);
int run_conversations(const Options& options);
int run_log(const Options& options);
int run_gate(const Options& options);  // block, unblock, accept
int run_requests(const Options& options);
int run_history(const Options& options);
int run_inbox(const Options& options);
int run_group(const Options& options);
int run_chat(const Options& options);
int run_cluster(const Options& options);

}  // namespace chasqui::cli
