// Whoever keeps to themselves what they read is told nobody's reads (client.proto, SetPrivacy.read_receipts): not in
// receipts, and in no answer.
#pragma once

#include "core/base/ids.h"
#include "proto/client.pb.h"

namespace chasqui::gateway {

// Of everybody but `own`.
void strip_reads(client::ServerFrame& frame, UserId own);

}  // namespace chasqui::gateway
