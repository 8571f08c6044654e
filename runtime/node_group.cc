#include "runtime/node_group.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "net/clock.h"
#include "runtime/logging.h"
#include "storage/durable_file.h"

namespace chasqui {

namespace json = boost::json;
using logging::Level;
using logging::log;

NodeGroup::NodeGroup(const Config& config, std::shared_ptr<TlsContext> tls, std::shared_ptr<PeerTls> peer_tls,
                     std::function<void(const absl::Status&)> failed)
    : config_(config),
      tls_(std::move(tls)),
      peer_tls_(std::move(peer_tls)),
      failed_(std::move(failed)),
      started_(mono_now()) {}

// The links go before the reactors on whose loop they live.
NodeGroup::~NodeGroup() {
  exchange_.reset();
  reactors_.clear();
}

absl::Status NodeGroup::open() {
  if (absl::Status status = storage::make_directory(config_.data_dir); !status.ok()) {
    return status;
  }
  std::uint64_t nodes = 1;
  if (!config_.cluster_id.empty()) {
    absl::StatusOr<PeerMemory> memory = PeerMemory::open(config_.data_dir);
    if (!memory.ok()) {
      return memory.status();
    }
    memory_ = std::make_unique<PeerMemory>(*std::move(memory));
    const bool is_decided = config_.nodes_per_process == 0 && memory_->nodes_per_process() != 0;
    nodes = is_decided ? memory_->nodes_per_process() : nodes_for(config_, std::thread::hardware_concurrency());
    if (absl::Status status = memory_->decide_nodes_per_process(nodes); !status.ok()) {
      return status;
    }
  }
  plan_ = plan_cluster(config_, nodes);
  for (std::size_t place = 0; place < nodes; place++) {
    if (absl::Status status = open_store(place); !status.ok()) {
      return status;
    }
  }
  unlink((config_.data_dir + "/listen").c_str());  // of an earlier run; the locks on the stores are ours by now
  return absl::OkStatus();
}

absl::Status NodeGroup::open_store(std::size_t place) {
  const std::uint64_t nodes = plan_.nodes.size();
  storage::NodeStore::Options options;
  options.directory = config_.data_dir + "/store" + (place == 0 ? "" : absl::StrCat("-", place + 1));
  options.shards.value = static_cast<std::uint32_t>(config_.shards);
  options.cluster = plan_.cluster;
  options.now_ms = now().wall.ms;
  options.block_cache_bytes = std::max<std::uint64_t>(config_.block_cache_bytes / nodes, 1 << 20);
  options.disk = {config_.ballast_bytes_max / nodes, config_.disk_bytes_max / nodes};
  options.fatal = failed_;
  auto store = storage::NodeStore::open(std::move(options));
  if (!store.ok()) {
    return store.status();
  }
  stores_.push_back(*std::move(store));
  return absl::OkStatus();
}

absl::Status NodeGroup::listen() {
  ReactorOwner& owner = *this;
  PeerIdentity self{plan_.process, stores_[0]->format().cluster, stores_[0]->format().shards, {}};
  for (std::size_t place = 0; place < plan_.nodes.size(); place++) {
    self.stores[plan_.nodes[place]] = stores_[place]->format().store;
    reactors_.push_back(std::make_unique<Reactor>(config_, NodeSeat{place, plan_.nodes[place], plan_.members},
                                                  *stores_[place], tls_, owner, failed_));
  }
  if (!plan_.members.empty()) {
    exchange_ = std::make_unique<PeerExchange>(plan_, std::move(self), peer_tls_, *memory_, reactors_[0]->io(),
                                               [this](std::size_t place) { reactors_[place]->wake(); });
    if (absl::Status status = exchange_->listen(); !status.ok()) {
      return status;
    }
  }
  absl::StatusOr<Endpoint> endpoint = parse_endpoint(config_.listen);
  if (!endpoint.ok()) {
    return endpoint.status();
  }
  if (reactors_.size() > 1) {
    if (absl::Status status = check_free(reactors_[0]->io(), *endpoint); !status.ok()) {
      return status;
    }
  }
  for (const auto& reactor : reactors_) {
    reactor->set_exchange(exchange_.get());
    if (absl::Status status = reactor->listen(*endpoint, reactors_.size() > 1); !status.ok()) {
      return status;
    }
    endpoint = reactor->endpoint();  // the real port, if any free one was asked for
  }
  return reactors_[0]->listen_admin();
}

void NodeGroup::run() {
  for (std::size_t place = 1; place < reactors_.size(); place++) {
    threads_.emplace_back([this, place] { reactors_[place]->run(); });
  }
  reactors_[0]->run();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  if (exchange_) {
    exchange_->stop();
  }
  unlink((config_.data_dir + "/listen").c_str());
}

void NodeGroup::close() {
  exchange_.reset();
  reactors_.clear();
  stores_.clear();
}

void NodeGroup::on_node_ready(std::size_t /*place*/) {
  if (++ready_ == reactors_.size()) {
    boost::asio::post(reactors_[0]->io(), [this] { announce(); });
  }
}

void NodeGroup::on_node_done(std::size_t place) {
  ++done_;
  if (place != 0) {
    reactors_[0]->wake();
  }
}

void NodeGroup::announce() {
  const std::string address = endpoint_text(reactors_[0]->endpoint());
  // For scripts and tests: a port 0 is only known here.
  const absl::Status written = storage::write_file(config_.data_dir, "listen", address + "\n");
  if (!written.ok()) {
    log(Level::Warn, "cannot write the file listen", {{"reason", std_view(written.message())}});
  }
  log(Level::Info, absl::StrCat("ready on ", address),
      {{"address", address},
       {"tls", config_.tls_certificate.empty() ? std::string_view("no") : std::string_view("yes")},
       {"limits", config_.limits_profile},
       {"shards", stores_[0]->format().shards.value},
       {"nodes", plan_.nodes.size()},
       {"peers", plan_.others.size()},
       {"ms", static_cast<std::uint64_t>((mono_now() - started_).ns / 1'000'000)}});
}

void NodeGroup::on_signal_stop() {
  for (const auto& reactor : reactors_) {
    boost::asio::post(reactor->io(), [&reactor = *reactor] { reactor.stop(); });
  }
}

void NodeGroup::on_reload() {
  const auto told = [](const absl::Status& status, std::string_view what) {
    if (!status.ok()) {
      log(Level::Error, absl::StrCat(text(what), " was not reloaded"), {{"reason", std_view(status.message())}});
      return false;
    }
    log(Level::Info, absl::StrCat(text(what), " was reloaded"));
    return true;
  };
  if (!config_.tls_certificate.empty()) {
    auto tls = TlsContext::server(config_.tls_certificate, config_.tls_key);
    if (told(tls.status(), "the certificate")) {
      for (const auto& reactor : reactors_) {
        boost::asio::post(reactor->io(), [&reactor = *reactor, made = *tls] { reactor.set_tls(made); });
      }
    }
  }
  if (exchange_ && !config_.peer_certificate.empty()) {
    auto tls = load_peer_tls(config_);
    if (told(tls.status(), "the certificate for peers")) {
      exchange_->links().set_tls(*std::move(tls));
    }
  }
}

// ------------------------------------------------------------------------------------------------------------- stats

void add_stats(json::object& total, const json::object& node) {
  for (const auto& [key, value] : node) {
    json::value& sum = total[key];
    if (sum.is_null()) {
      sum = value;
    } else if (value.is_object() && sum.is_object()) {
      add_stats(sum.as_object(), value.as_object());
    } else if (value.is_bool() && sum.is_bool()) {
      sum = key == "ready" ? sum.as_bool() && value.as_bool() : sum.as_bool() || value.as_bool();
    } else if (value.is_number() && sum.is_number()) {
      const auto a = sum.to_number<std::int64_t>();
      const auto b = value.to_number<std::int64_t>();
      sum = key == "uptime_ms" || key == "disk" ? std::max(a, b) : a + b;
    }
  }
}

// From node to node, each on its own thread, and back to the first: whose caller asked.
void NodeGroup::gather(std::shared_ptr<json::object> total, std::size_t place, std::function<void(std::string)> done) {
  if (place < reactors_.size()) {
    boost::asio::post(reactors_[place]->io(), [this, total, place, done] {
      add_stats(*total, reactors_[place]->stats());
      gather(total, place + 1, done);
    });
    return;
  }
  boost::asio::post(reactors_[0]->io(), [this, total, done] {
    if (exchange_) {
      const PeerLinks::Stats links = exchange_->links().stats();
      (*total)["nodes"] = plan_.nodes.size();
      (*total)["peers"] = json::object{{"links", links.links},
                                       {"of", plan_.others.size()},
                                       {"queued_bytes", links.queued_bytes},
                                       {"dropped_frames", links.dropped_frames + exchange_->dropped_frames()},
                                       {"refused", links.refused},
                                       {"dials", links.dials}};
    }
    done(json::serialize(*total));
  });
}

void NodeGroup::on_stats(std::function<void(std::string)> done) {
  gather(std::make_shared<json::object>(), 0, std::move(done));
}

}  // namespace chasqui
