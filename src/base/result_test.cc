// Errors made from errno and wrapped once.
#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace ebb {
namespace {

TEST(Result, ErrnoBecomesAKind) {
  struct Row {
    int number;
    ErrorKind kind;
  };
  for (const Row& row : {Row{ENOENT, ErrorKind::kNotFound}, Row{EEXIST, ErrorKind::kExists}, Row{ENOSPC, ErrorKind::kExhausted},
                         Row{EMFILE, ErrorKind::kExhausted}, Row{EACCES, ErrorKind::kIo}}) {
    EXPECT_EQ(errno_error("x", row.number).kind, row.kind) << row.number;
  }
}

TEST(Result, ContextComesFirst) { EXPECT_EQ((Error{.message = "b", .param = "p"}.with_context("a").message), "a: b"); }

}  // namespace
}  // namespace ebb
