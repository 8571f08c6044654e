// One connection of the simulated world, taken out of it: the world moves it, the test is both of its ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/plan/plan_draw.h"
#include "sim/world.h"

namespace chasqui::sim {

// A friend of World. The node stands still, so that what reaches it waits in its inbox; no program runs at the device.
class WorldLink {
 public:
  explicit WorldLink(const Limits& limits) : world_(plan_of(limits), {}), node_(*world_.nodes_[0]) {
    world_.node_rises(node_);
    node_.frozen_until = 1'000'000 * second;
    world_.connect(*world_.devices_[0]);
    id_ = world_.devices_[0]->connection;
    wait();
  }

  void device_says(std::string bytes) {
    if (auto* c = connection(); c != nullptr) world_.send_up(*c, world_.now_, std::move(bytes));
  }
  void node_says(std::string bytes) { carry_out(SessionSend{session_, std::move(bytes)}); }
  void node_reads(bool on) { carry_out(SessionRead{session_, on}); }
  void node_closes(std::uint16_t code, std::string reason) {
    carry_out(SessionClose{session_, code, std::move(reason)});
  }
  void breaks() {
    if (auto* c = connection(); c != nullptr) world_.cut(*c, false, second);
  }

  // Until all has happened that will.
  void wait() {
    const Time end = world_.now_ + 120 * second;
    while (!world_.queue_.empty() && world_.queue_.top().at <= end) {
      const Event event = world_.queue_.pop();
      world_.now_ = event.at;
      happens(event);
    }
    world_.now_ = end;
    while (!node_.inbox.empty()) {
      const Input input = std::move(node_.inbox.front());
      node_.inbox.pop_front();
      node_.inbox_causes.pop_front();
      if (const auto* frame = std::get_if<SessionFrame>(&input)) node_heard_.push_back(frame->bytes);
      if (const auto* writable = std::get_if<SessionWritable>(&input)) left_ += writable->bytes;
      if (std::holds_alternative<SessionClosed>(input)) node_lost_ = true;
    }
  }
  [[nodiscard]] const std::vector<std::string>& node_heard() const { return node_heard_; }
  [[nodiscard]] const std::vector<std::string>& device_heard() const { return device_heard_; }
  [[nodiscard]] std::uint64_t left() const { return left_; }
  [[nodiscard]] bool node_lost() const { return node_lost_; }
  [[nodiscard]] bool device_lost() const { return device_lost_; }
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }
  [[nodiscard]] const std::string& close_reason() const { return close_reason_; }

 private:
  static Plan plan_of(const Limits& limits) {
    Plan plan = draw_plan(1, {.nodes = 1, .devices = 2, .seconds = 1, .plan_class = PlanClass::Calm});
    plan.limits = limits;
    plan.knobs.flush_ms = 1'000'000'000;
    return plan;
  }
  [[nodiscard]] Connection* connection() { return world_.find(id_); }
  void carry_out(Output output) {
    Outputs outputs;
    outputs.push_back(std::move(output));
    world_.carry_out(node_, world_.now_, outputs);
  }
  // The device's side is the test's: all else is the world's.
  void happens(const Event& event) {
    Connection* c = connection();
    if (c == nullptr || event.object != id_) return world_.dispatch(event);
    if (event.kind == EventKind::ConnectAnswered) {
      c->connecting = false;
      c->device_open = !c->refused && !c->cut;
      session_ = c->session;
      return;
    }
    if (event.kind == EventKind::FrameDown) {
      if (!c->down.empty() && c->device_open) device_heard_.push_back(c->down.receive());
      return;
    }
    if (event.kind == EventKind::DeviceLearns) {
      device_lost_ = true;
      close_code_ = c->close_code;
      close_reason_ = c->close_reason;
    }
    world_.dispatch(event);
  }

  World world_;
  VirtualNode& node_;
  std::uint64_t id_ = 0;
  SessionId session_;
  std::vector<std::string> node_heard_;
  std::vector<std::string> device_heard_;
  std::uint64_t left_ = 0;
  std::uint16_t close_code_ = 0;
  std::string close_reason_;
  bool node_lost_ = false;
  bool device_lost_ = false;
};

}  // namespace chasqui::sim
