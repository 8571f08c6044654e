// What a user's index is told of a conversation: up to where it goes, how far the user has read it, and what of it is
// unread. Six numbers, each of which only grows and is merged by max, so that no order and no repetition does harm.
//
// What is unread is a difference of two of them (client.proto, IndexEntry): the conversation counts its messages, and
// whatever makes one of them count no more for a user (read, their own, before they came) raises the other.
#pragma once

#include <algorithm>
#include <cstdint>

namespace chasqui {

struct Counts {
  std::uint64_t messages = 0;
  std::uint64_t messages_read = 0;
  std::uint64_t mentions = 0;
  std::uint64_t mentions_read = 0;

  void merge(const Counts& other) {
    messages = std::max(messages, other.messages);
    messages_read = std::max(messages_read, other.messages_read);
    mentions = std::max(mentions, other.mentions);
    mentions_read = std::max(mentions_read, other.mentions_read);
  }
  [[nodiscard]] bool covers(const Counts& other) const {
    return messages >= other.messages && messages_read >= other.messages_read && mentions >= other.mentions &&
           mentions_read >= other.mentions_read;
  }
  // Of two numbers that come apart the greater may be known first: never below 0.
  [[nodiscard]] std::uint64_t unread() const { return messages - std::min(messages, messages_read); }
  [[nodiscard]] std::uint64_t unread_mentions() const { return mentions - std::min(mentions, mentions_read); }
  friend bool operator==(const Counts&, const Counts&) = default;
};

struct IndexMarks {
  std::uint64_t head = 0;
  std::uint64_t read = 0;
  Counts counts;

  void merge(const IndexMarks& other) {
    head = std::max(head, other.head);
    read = std::max(read, other.read);
    counts.merge(other.counts);
  }
  [[nodiscard]] bool covers(const IndexMarks& other) const {
    return head >= other.head && read >= other.read && counts.covers(other.counts);
  }
  [[nodiscard]] bool says_nothing() const { return IndexMarks().covers(*this); }
  friend bool operator==(const IndexMarks&, const IndexMarks&) = default;
};

// From and to the messages that carry them: rows, commands, frames.
template <class Message>
[[nodiscard]] Counts counts_of(const Message& message) {
  return {message.messages(), message.messages_read(), message.mentions(), message.mentions_read()};
}

template <class Message>
void put_counts(const Counts& counts, Message& message) {
  message.set_messages(counts.messages);
  message.set_messages_read(counts.messages_read);
  message.set_mentions(counts.mentions);
  message.set_mentions_read(counts.mentions_read);
}

template <class Message>
[[nodiscard]] IndexMarks index_marks_of(const Message& message) {
  return {message.head(), message.read(), counts_of(message)};
}

template <class Message>
void put_index_marks(const IndexMarks& marks, Message& message) {
  message.set_head(marks.head);
  message.set_read(marks.read);
  put_counts(marks.counts, message);
}

}  // namespace chasqui
