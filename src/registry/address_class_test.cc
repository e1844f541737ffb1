// Rows of addresses and of redirects.
#include "registry/address_class.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace ebb::registry {
namespace {

AddressClass class_of_text(const std::string& text) {
  sockaddr_storage address{};
  if (text.find(':') == std::string::npos) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
    v4->sin_family = AF_INET;
    EXPECT_EQ(::inet_pton(AF_INET, text.c_str(), &v4->sin_addr), 1) << text;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
    v6->sin6_family = AF_INET6;
    EXPECT_EQ(::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr), 1) << text;
  }
  return class_of(reinterpret_cast<const sockaddr*>(&address));
}

TEST(AddressClass, KnowsTheSpecialNetworks) {
  const struct {
    const char* address;
    AddressClass kind;
  } rows[] = {
      {"8.8.8.8", AddressClass::kPublic},
      {"172.15.255.255", AddressClass::kPublic},
      {"172.32.0.0", AddressClass::kPublic},
      {"11.0.0.0", AddressClass::kPublic},
      {"100.128.0.0", AddressClass::kPublic},
      {"10.0.0.0", AddressClass::kPrivate},
      {"10.255.255.255", AddressClass::kPrivate},
      {"172.16.0.1", AddressClass::kPrivate},
      {"172.31.255.255", AddressClass::kPrivate},
      {"192.168.1.1", AddressClass::kPrivate},
      {"127.0.0.1", AddressClass::kPrivate},
      {"127.255.255.254", AddressClass::kPrivate},
      {"100.64.0.1", AddressClass::kPrivate},
      {"198.18.0.1", AddressClass::kPrivate},
      {"169.254.169.254", AddressClass::kForbidden},
      {"0.0.0.0", AddressClass::kForbidden},
      {"0.1.2.3", AddressClass::kForbidden},
      {"224.0.0.1", AddressClass::kForbidden},
      {"255.255.255.255", AddressClass::kForbidden},
      {"240.0.0.1", AddressClass::kForbidden},
      {"2606:4700::1", AddressClass::kPublic},
      {"::1", AddressClass::kPrivate},
      {"fd00::1", AddressClass::kPrivate},
      {"fe80::1", AddressClass::kForbidden},
      {"ff02::1", AddressClass::kForbidden},
      {"::", AddressClass::kForbidden},
      {"::ffff:8.8.8.8", AddressClass::kPublic},
      {"::ffff:127.0.0.1", AddressClass::kPrivate},
      {"::ffff:169.254.169.254", AddressClass::kForbidden},
      {"64:ff9b::a9fe:a9fe", AddressClass::kForbidden},
      {"2002:a9fe:a9fe::", AddressClass::kForbidden},
      {"2002:0808:0808::", AddressClass::kPublic},
      {"::7f00:1", AddressClass::kForbidden},
  };
  for (const auto& row : rows)
    EXPECT_EQ(class_of_text(row.address), row.kind) << row.address;
  sockaddr local{};
  local.sa_family = AF_UNIX;
  EXPECT_EQ(class_of(&local), AddressClass::kForbidden);
}

TEST(AddressClass, APublicServerMayNotSendUsInside) {
  const struct {
    AddressClass to;
    bool redirected;
    bool began_public;
    bool may;
  } rows[] = {
      {AddressClass::kPublic, false, true, true},      {AddressClass::kPublic, true, true, true},      {AddressClass::kPublic, true, false, true},
      {AddressClass::kPrivate, false, false, true},    {AddressClass::kPrivate, true, false, true},    {AddressClass::kPrivate, true, true, false},
      {AddressClass::kForbidden, false, false, false}, {AddressClass::kForbidden, true, false, false},
  };
  for (const auto& row : rows)
    EXPECT_EQ(may_connect(row.to, row.redirected, row.began_public), row.may);
}

}  // namespace
}  // namespace ebb::registry
