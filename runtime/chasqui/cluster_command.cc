// chasqui cluster: what an operator does once for a cluster.
#include <cstdio>
#include <vector>

#include "core/base/text.h"
#include "net/cluster_certificates.h"
#include "runtime/chasqui/commands.h"
#include "runtime/chasqui/outcome.h"

namespace chasqui::cli {
namespace {

int refuse(const absl::Status& status) {
  report(status);
  return exit_code(status);
}

}  // namespace

int run_cluster(const Options& options) {
  if (options.cluster.empty() || options.nodes.empty() || options.out.empty()) {
    return refuse(usage_error("say --cluster NAME, --node N for each node, and --out DIR"));
  }
  std::vector<ProcessId> processes;
  for (const std::uint64_t node : options.nodes) processes.emplace_back(node);
  if (absl::Status status = make_cluster_certificates(options.cluster, processes, options.out); !status.ok()) {
    return refuse(absl::IsInvalidArgument(status) ? usage_error(std_view(status.message())) : status);
  }
  const char* out = options.out.c_str();
  std::printf("%s/ca.pem is the authority of cluster %s; keep %s/ca.key away from the nodes\n", out,
              options.cluster.c_str(), out);
  for (const ProcessId process : processes) {
    std::printf("for node %llu: %s/ca.pem, %s/node-%llu.pem and .key, good for %d days; the same call renews them\n",
                static_cast<unsigned long long>(process.value()), out, out,
                static_cast<unsigned long long>(process.value()), node_certificate_days);
  }
  return exit_done;
}

}  // namespace chasqui::cli
