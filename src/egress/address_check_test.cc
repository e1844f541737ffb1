// Lists of addresses, as a resolver gives them.
#include "egress/address_check.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace ebb::egress {
namespace {

namespace ip = io::asio::ip;

std::optional<std::string> refusal(const std::vector<const char*>& resolved, const std::vector<std::pair<const char*, int>>& own = {}) {
  std::vector<ip::tcp::endpoint> endpoints;
  for (const char* const one : resolved)
    endpoints.emplace_back(ip::make_address(one), 80);
  std::vector<OwnNetwork> networks;
  for (const auto& [address, bits] : own)
    networks.push_back({.address = ip::make_address(address), .bits = bits});
  return refusal_of(endpoints, networks);
}

TEST(RefusalOfAddresses, Rows) {
  EXPECT_EQ(refusal({"93.184.216.34"}), std::nullopt);
  EXPECT_EQ(refusal({"93.184.216.34", "2606:4700::1"}, {{"127.0.0.1", 8}, {"93.184.216.35", 32}}), std::nullopt);
  EXPECT_EQ(refusal({"10.0.0.1"}), "10.0.0.1 is a private network (RFC 1918)");
  EXPECT_TRUE(refusal({"93.184.216.34", "127.0.0.1"})) << "one among others";
  EXPECT_TRUE(refusal({"127.0.0.1", "93.184.216.34"}));
  EXPECT_TRUE(refusal({"::ffff:169.254.169.254"}));
  EXPECT_EQ(refusal({"93.184.216.34"}, {{"93.184.216.34", 32}}), "93.184.216.34 is this machine, or in a network of its own");
  EXPECT_TRUE(refusal({"::ffff:93.184.216.34"}, {{"93.184.216.34", 128}})) << "in other clothes";
  EXPECT_TRUE(refusal({"93.184.216.34"}, {{"93.184.216.1", 24}})) << "a neighbour";
  EXPECT_EQ(refusal({"93.184.217.34"}, {{"93.184.216.1", 24}}), std::nullopt);
  EXPECT_TRUE(refusal({"2606:4700::1:2:3:4"}, {{"2606:4700::5", 64}})) << "a neighbour";
  EXPECT_EQ(refusal({"2606:4700:0:1::1"}, {{"2606:4700::5", 64}}), std::nullopt);
  // A tunnel that claims everything.
  EXPECT_EQ(refusal({"93.184.216.34", "2606:4700::1"}, {{"93.184.216.1", 0}, {"2606:4700::5", 1}}), std::nullopt);
  EXPECT_TRUE(refusal({"93.184.216.1"}, {{"93.184.216.1", 0}}));
}

}  // namespace
}  // namespace ebb::egress
