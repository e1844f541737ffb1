// Rows: each network's first and last address, and the public ones beside it.
#include "domain/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <string>

namespace ebb::domain {
namespace {

using enum AddressKind;

AddressUse of(const std::string& text) {
  AddressBytes bytes{};
  if (in_addr four{}; ::inet_pton(AF_INET, text.c_str(), &four) == 1) return use_of(address_of_v4(ntohl(four.s_addr)));
  EXPECT_EQ(::inet_pton(AF_INET6, text.c_str(), bytes.data()), 1) << text;
  return use_of(bytes);
}

TEST(UseOf, Rows) {
  const struct {
    AddressKind kind;
    std::vector<const char*> addresses;
  } rows[] = {
      {kPublic, {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "93.184.216.34", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"}},
      {kPublic, {"168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0"}},
      {kPublic, {"192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0"}},
      {kPublic, {"203.0.112.255", "203.0.114.0", "223.255.255.255"}},
      {kPrivate, {"10.0.0.0", "10.255.255.255", "100.64.0.0", "100.100.100.200", "100.127.255.255", "127.0.0.0", "127.0.0.1", "127.255.255.255"}},
      {kPrivate, {"172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255"}},
      {kNever, {"0.0.0.0", "0.255.255.255", "168.63.129.16", "169.254.0.0", "169.254.169.254", "169.254.170.2", "169.254.255.255", "192.0.0.0", "192.0.0.192"}},
      {kNever, {"192.0.2.1", "192.88.99.1", "198.51.100.1", "203.0.113.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255"}},
      {kPublic, {"2000::1", "2606:4700::1111", "2001:200::1", "2001:db7:ffff::", "2001:db9::", "3ffe::1", "3fff:1000::1"}},
      {kPrivate, {"::1", "fc00::1", "fd00:ec2::254", "fdff:ffff::1"}},
      {kNever, {"::", "::2", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ffff::1", "2001::1", "2001:2::1", "2001:10::1", "2001:1ff::1", "2001:db8::1"}},
      {kNever, {"3fff::1", "3fff:fff::1", "4000::1", "5f00::1", "100::1", "64:ff9b:1::a00:1", "1fff::1", "::7f00:1", "::ffff:0:7f00:1"}},
      // IPv4 inside: mapped, NAT64, 6to4, and Teredo, which is refused whatever it holds.
      {kPublic, {"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"}},
      {kPrivate, {"::ffff:127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "2002:a00:1::1", "2002:7f00:1::", "2002:c0a8:101::1"}},
      {kNever, {"::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "::ffff:0.0.0.0", "2001:0:808:808::f7f7:f7f7", "2001::8.8.8.8"}},
  };
  for (const auto& row : rows) {
    for (const char* const address : row.addresses)
      EXPECT_EQ(of(address).kind, row.kind) << address << " is taken for " << of(address).name;
  }
}

TEST(UseOf, SaysWhy) {
  EXPECT_EQ(of("10.0.0.1").name, "a private network (RFC 1918)");
  EXPECT_NE(of("169.254.169.254").name.find("metadata"), std::string_view::npos);
}

}  // namespace
}  // namespace ebb::domain
