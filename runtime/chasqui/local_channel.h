// The channel to this very process, which holds the home.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/device.h"
#include "runtime/chasqui/requests.h"

namespace chasqui::cli {

class LocalChannel final : public Channel {
 public:
  LocalChannel(boost::asio::io_context& io, Device& device);
  void listen(OnReply on_reply, OnLost on_lost) override;
  void request(boost::json::object request) override;

 private:
  boost::asio::io_context& io_;
  std::shared_ptr<OnReply> on_reply_ = std::make_shared<OnReply>();
  std::shared_ptr<Requests> requests_;
};

}  // namespace chasqui::cli
