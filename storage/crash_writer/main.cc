// A small node without a network, for tests that kill it: it writes entries to the log of several shards, says on its
// standard output what is durable, and applies it, for ever.
//
//   storage_crash_writer write DIRECTORY SEED    until killed; a line "SHARD INDEX" for each durable entry
//   storage_crash_writer fill MEBIBYTES [--ignore-marks]   on a small tmpfs of its own, until that is full
//
// `fill` exits 77 if it may not mount one. What is printed is judged by crash_test.cc.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "storage/crash_writer/writer.h"

int main(int argc, char** argv) {
  ::alarm(110);  // whoever started it may be gone
  if (argc == 4 && std::strcmp(argv[1], "write") == 0) {
    return chasqui::storage::write_until_killed(argv[2], std::strtoull(argv[3], nullptr, 10));
  }
  if (argc >= 3 && std::strcmp(argv[1], "fill") == 0) {
    return chasqui::storage::fill_disk(std::strtoull(argv[2], nullptr, 10), argc == 4);
  }
  std::fputs("usage: storage_crash_writer write DIRECTORY SEED | fill MEBIBYTES [--ignore-marks]\n", stderr);
  return 2;
}
