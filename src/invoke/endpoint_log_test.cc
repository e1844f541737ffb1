// The log is a ring with sequence numbers that never repeat.
#include "invoke/endpoint_log.h"

#include <gtest/gtest.h>

#include "domain/limits.h"

namespace ebb::invoke {
namespace {

TEST(EndpointLog, KeepsTheLastLines) {
  EndpointLog log;
  for (size_t i = 0; i < domain::kLogLinesPerEndpointMax + 10; ++i)
    log.add("chat", WallTime{}, "line");
  const auto all = log.after("chat", 0);
  EXPECT_EQ(all.size(), domain::kLogLinesPerEndpointMax);
  EXPECT_EQ(all.front().sequence, 11U);
  EXPECT_EQ(log.after("chat", all.back().sequence - 2).size(), 2U);
  EXPECT_TRUE(log.after("other", 0).empty());
}

TEST(EndpointLog, ForgetsARemovedEndpoint) {
  EndpointLog log;
  log.add("chat", WallTime{}, "line");
  log.forget("chat");
  EXPECT_TRUE(log.after("chat", 0).empty());
}

}  // namespace
}  // namespace ebb::invoke
