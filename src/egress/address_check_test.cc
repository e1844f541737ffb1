// Lists of addresses, as a resolver gives them.
#include "egress/address_check.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ebb::egress {
namespace {

namespace ip = io::asio::ip;

std::optional<std::string> refusal(const std::vector<const char*>& resolved, const std::vector<const char*>& own = {}) {
  std::vector<ip::tcp::endpoint> endpoints;
  for (const char* const one : resolved)
    endpoints.emplace_back(ip::make_address(one), 80);
  std::vector<ip::address> addresses;
  for (const char* const one : own)
    addresses.push_back(ip::make_address(one));
  return refusal_of(endpoints, addresses);
}

TEST(RefusalOfAddresses, Rows) {
  EXPECT_EQ(refusal({"93.184.216.34"}), std::nullopt);
  EXPECT_EQ(refusal({"93.184.216.34", "2606:4700::1"}, {"127.0.0.1", "93.184.216.35"}), std::nullopt);
  EXPECT_EQ(refusal({"10.0.0.1"}), "10.0.0.1 is a private network (RFC 1918)");
  EXPECT_TRUE(refusal({"93.184.216.34", "127.0.0.1"})) << "one among others";
  EXPECT_TRUE(refusal({"127.0.0.1", "93.184.216.34"}));
  EXPECT_TRUE(refusal({"::ffff:169.254.169.254"}));
  EXPECT_EQ(refusal({"93.184.216.34"}, {"93.184.216.34"}), "93.184.216.34 is this machine");
  EXPECT_TRUE(refusal({"::ffff:93.184.216.34"}, {"93.184.216.34"})) << "in other clothes";
}

}  // namespace
}  // namespace ebb::egress
