// GET /ebb/v1/invoice: what it asks the ledger for, and who may see whose.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/test_server.h"
#include "wire/invoice_json.h"

namespace ebb::gateway {
namespace {

using testing::HasSubstr;

json::value body_of(const std::string& response) { return *parse_json(response.substr(response.find("\r\n\r\n") + 4)); }

std::string with_key(std::string_view method, std::string_view path, std::string_view key, const std::string& body = "") {
  return fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}", method, path,
                     key.empty() ? "" : fmt::format("Authorization: Bearer {}\r\n", key), body.size(), body);
}

TEST(AdminInvoice, AsksForTheMonthOfTheZone) {
  TestServer server;
  Client client(server);
  server.on_loop([&] {
    server.bills.rows_ = {{.endpoint = "chat", .tier = "cold", .calls = 2, .billed_ms = 30, .mib_ms = 300, .cost = 4'000'000},
                          {.endpoint = "chat", .tier = "warm", .calls = 1, .billed_ms = 10, .mib_ms = 100, .cost = 1}};
  });
  const std::string response = client.ask(get("/ebb/v1/invoice?month=2023-11&zone=Europe/Berlin&tenant=acme"));
  EXPECT_EQ(status_in(response), 200);
  const BillRequest asked = server.on_loop([&] { return server.bills.asked_; });
  EXPECT_TRUE(asked.by_endpoint && asked.by_tier);
  EXPECT_FALSE(asked.by_day || asked.by_tenant || asked.by_key);
  EXPECT_EQ(asked.tenant, "acme");
  EXPECT_EQ(wire::format_time(*asked.from), "2023-10-31T23:00:00.000Z");
  EXPECT_EQ(wire::format_time(*asked.to), "2023-11-30T23:00:00.000Z");
  const Result<wire::Invoice> invoice = wire::invoice_from_json(body_of(response));
  ASSERT_TRUE(invoice) << invoice.error().message;
  EXPECT_EQ(invoice->total.cost, 4'000'001);
  EXPECT_EQ(invoice->state, "running");
  EXPECT_EQ(invoice->tenant, "acme");
  EXPECT_EQ(invoice->elsewhere.mib_ms, 400);
}

TEST(AdminInvoice, RefusesWhatItCannotRead) {
  TestServer server;
  Client client(server);
  const std::pair<const char*, const char*> rows[] = {
      {"", "month"},
      {"?month=2026-13", "month"},
      {"?month=26-1", "month"},
      {"?month=2026-11-01", "month"},
      {"?month=2026-11&zone=Mars/Olympus", "zone"},
      {"?month=2026-11&from=2026-11-01", "from"},
      {"?month=2026-11&by=day", "by"},
  };
  for (const auto& [query, param] : rows) {
    const std::string response = client.ask(get(std::string("/ebb/v1/invoice") + query));
    EXPECT_EQ(status_in(response), 400) << query;
    EXPECT_THAT(response, HasSubstr(fmt::format(R"("param":"{}")", param))) << query;
  }
}

// Who may read sees its own alone, and is told the same of a tenant that is there and of one that is not.
TEST(AdminInvoice, AKeyThatReadsSeesItsOwn) {
  TestServer server;
  Client client(server);
  for (const char* name : {"acme", "other"})
    ASSERT_LT(status_in(client.ask(with_key("PUT", std::string("/ebb/v1/tenants/") + name, ""))), 300);
  const auto make_key = [&](std::string_view by, std::string_view scopes) {
    const std::string made = client.ask(with_key("POST", "/ebb/v1/keys", by, fmt::format(R"({{"tenant":"acme","scopes":"{}"}})", scopes)));
    return std::string(body_of(made).at("key").as_string());
  };
  const std::string admin = make_key("", "admin");
  const std::string reader = make_key(admin, "read");
  const std::string caller = make_key(admin, "invoke");
  const auto asked_as = [&](const std::string& key, std::string_view tenant) {
    return client.ask(with_key("GET", fmt::format("/ebb/v1/invoice?month=2023-11{}", tenant), key));
  };
  EXPECT_EQ(status_in(asked_as(reader, "")), 200);
  EXPECT_EQ(server.on_loop([&] { return server.bills.asked_.tenant; }), "acme");
  EXPECT_EQ(status_in(asked_as(reader, "&tenant=acme")), 200);
  const auto refusal = [&](std::string_view tenant) { return json::serialize(body_of(asked_as(reader, tenant))); };
  EXPECT_EQ(status_in(asked_as(reader, "&tenant=other")), 403);
  EXPECT_EQ(refusal("&tenant=other"), refusal("&tenant=nobody"));
  EXPECT_EQ(status_in(asked_as(caller, "")), 403);
  EXPECT_EQ(status_in(asked_as(admin, "&tenant=other")), 200);
  EXPECT_EQ(status_in(asked_as("", "")), 401);
}

}  // namespace
}  // namespace ebb::gateway
