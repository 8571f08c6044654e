#include "core/gateway/typed_content.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace chasqui::gateway {
namespace {

using client::About;
using client::Payload;

absl::Status refused(std::string message) {
  return absl::InvalidArgumentError(std::move(message));
}

bool is_empty(const Payload& payload) {
  return payload.content_case() == Payload::CONTENT_NOT_SET;
}

absl::Status check_about(const Payload& payload) {
  const About& about = payload.about();
  if (about.kind() <= About::NOTHING || about.seq() == 0) {
    return refused("what a message is about is a kind and the seq of an earlier one");
  }
  if (about.kind() > About::VOTE) return refused("this server does not know what that message does to an earlier one");
  if (about.kind() == About::REPLY || about.kind() == About::EDIT) {
    return is_empty(payload) ? refused("a reply or an edit has a content") : absl::OkStatus();
  }
  if (about.kind() == About::REACTION) {
    const bool fits = payload.text().size() <= bounds::reaction_bytes_max &&
                      payload.sealed().size() <= bounds::sealed_reaction_bytes_max;
    return fits ? absl::OkStatus()
                : refused(absl::StrCat("a reaction has at most ", bounds::reaction_bytes_max, " bytes: shorten it"));
  }
  return is_empty(payload) ? absl::OkStatus() : refused("a deletion, a pin or a vote has no content");
}

absl::Status check_votes(const Payload& payload) {
  if (payload.about().kind() != About::VOTE) return refused("only a vote names options");
  std::uint32_t least = 0;
  for (const std::uint32_t vote : payload.votes()) {
    if (vote < least || vote >= bounds::poll_options_max) {
      return refused("a vote names options from 0, each once, in ascending order");
    }
    least = vote + 1;
  }
  return absl::OkStatus();
}

absl::Status check_mentions(const Payload& payload) {
  if (static_cast<std::uint64_t>(payload.mentions_size()) > bounds::mentions_max) {
    return refused(absl::StrCat("a message mentions at most ", bounds::mentions_max, " users, this one ",
                                payload.mentions_size()));
  }
  std::vector<std::uint64_t> users(payload.mentions().begin(), payload.mentions().end());
  std::sort(users.begin(), users.end());
  const bool are_users = std::all_of(users.begin(), users.end(), [](std::uint64_t id) { return is_valid(UserId(id)); });
  const bool once = std::adjacent_find(users.begin(), users.end()) == users.end();
  return are_users && once ? absl::OkStatus() : refused("mentions are ids of users, each once");
}

absl::Status check_location(const client::Location& place) {
  const bool on_earth = place.latitude_e7() >= -900'000'000 && place.latitude_e7() <= 900'000'000 &&
                        place.longitude_e7() >= -1'800'000'000 && place.longitude_e7() <= 1'800'000'000;
  if (!on_earth) return refused("a place lies within 90 degrees of latitude and 180 of longitude");
  if (place.name().size() > bounds::place_name_bytes_max) {
    return refused(absl::StrCat("a place's name has at most ", bounds::place_name_bytes_max, " bytes: shorten it"));
  }
  return absl::OkStatus();
}

absl::Status check_contact(const client::Contact& card) {
  if (card.name().empty() && card.phone().empty() && card.user() == 0) return refused("a contact card is empty");
  if (card.name().size() > bounds::contact_name_bytes_max || card.phone().size() > bounds::contact_phone_bytes_max) {
    return refused(absl::StrCat("a contact has a name of at most ", bounds::contact_name_bytes_max,
                                " bytes and a phone number of at most ", bounds::contact_phone_bytes_max));
  }
  if (card.user() != 0 && !is_valid(UserId(card.user()))) return refused("a contact card names a user by a valid id");
  return absl::OkStatus();
}

absl::Status check_poll(const client::Poll& poll) {
  if (poll.question().empty() || poll.question().size() > bounds::poll_question_bytes_max) {
    return refused(absl::StrCat("a poll's question has 1 to ", bounds::poll_question_bytes_max, " bytes"));
  }
  const auto options = static_cast<std::uint64_t>(poll.options_size());
  if (options < bounds::poll_options_min || options > bounds::poll_options_max) {
    return refused(absl::StrCat("a poll has ", bounds::poll_options_min, " to ", bounds::poll_options_max,
                                " options, this one has ", options));
  }
  for (const std::string& option : poll.options()) {
    if (option.empty() || option.size() > bounds::poll_option_bytes_max) {
      return refused(absl::StrCat("an option of a poll has 1 to ", bounds::poll_option_bytes_max, " bytes"));
    }
  }
  if (poll.choices_max() > options) return refused("a poll lets nobody choose more options than there are");
  return absl::OkStatus();
}

absl::Status check_timer(const Payload& payload) {
  if (payload.has_about()) return refused("a timer is a message by itself");
  if (payload.timer().seconds() > bounds::timer_s_max) {
    return refused(absl::StrCat("messages disappear after at most ", bounds::timer_s_max, " s"));
  }
  return absl::OkStatus();
}

absl::Status check_content(const Payload& payload) {
  if (payload.has_location()) return check_location(payload.location());
  if (payload.has_contact()) return check_contact(payload.contact());
  if (payload.has_timer()) return check_timer(payload);
  if (!payload.has_poll()) return absl::OkStatus();
  if (payload.about().kind() != About::NOTHING && payload.about().kind() != About::REPLY) {
    return refused("a poll is a message, perhaps a reply: it cannot edit, and is not a reaction");
  }
  return check_poll(payload.poll());
}

}  // namespace

absl::Status check_typed(const Payload& payload, log::Send& facts) {
  if (payload.has_about()) {
    if (absl::Status status = check_about(payload); !status.ok()) return status;
  }
  if (absl::Status status = check_content(payload); !status.ok()) return status;
  if (payload.votes_size() > 0) {
    if (absl::Status status = check_votes(payload); !status.ok()) return status;
  }
  if (payload.mentions_size() > 0) {
    if (absl::Status status = check_mentions(payload); !status.ok()) return status;
  }
  if (payload.has_about()) {
    facts.set_about_kind(static_cast<std::uint32_t>(payload.about().kind()));
    facts.set_about_seq(payload.about().seq());
  }
  if (payload.has_poll()) {
    facts.set_poll_options(static_cast<std::uint32_t>(payload.poll().options_size()));
    facts.set_poll_choices_max(std::max<std::uint32_t>(1, payload.poll().choices_max()));
  }
  if (payload.votes_size() > 0) {
    facts.set_votes(static_cast<std::uint32_t>(payload.votes_size()));
    facts.set_vote_highest(*payload.votes().rbegin());
  }
  for (const std::uint64_t user : payload.mentions()) facts.add_mentions(user);
  if (payload.has_timer()) facts.set_timer_s(payload.timer().seconds());
  return absl::OkStatus();
}

std::uint32_t forwards_in(std::string_view payload) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(payload.data()),
                                            static_cast<int>(payload.size()));
  std::uint32_t forwards = 0;
  while (const std::uint32_t tag = in.ReadTag()) {
    if (WireFormatLite::GetTagFieldNumber(tag) == Payload::kForwardsFieldNumber &&
        WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_VARINT) {
      if (!in.ReadVarint32(&forwards)) return 0;
    } else if (!WireFormatLite::SkipField(&in, tag)) {
      return 0;
    }
  }
  return forwards;
}

}  // namespace chasqui::gateway
