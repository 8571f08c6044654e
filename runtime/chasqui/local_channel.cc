#include "runtime/chasqui/local_channel.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace chasqui::cli {

LocalChannel::LocalChannel(boost::asio::io_context& io, Device& device) : io_(io) {
  // By post: as through a socket, a reply never comes inside a request.
  requests_ = Requests::create(io, device, [&io, weak = std::weak_ptr<OnReply>(on_reply_)](boost::json::object reply) {
    boost::asio::post(io, [weak, reply = std::move(reply)] {
      const auto on_reply = weak.lock();
      if (on_reply && *on_reply) (*on_reply)(reply);
    });
  });
}

void LocalChannel::listen(OnReply on_reply, OnLost) {
  *on_reply_ = std::move(on_reply);
}

void LocalChannel::request(boost::json::object request) {
  requests_->handle(request);
}

}  // namespace chasqui::cli
