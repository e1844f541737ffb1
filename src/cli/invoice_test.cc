// `ebb bill --month` against a stub server: what it asks for, prints and refuses.
#include "cli/invoice.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "cli/invoice_text.h"
#include "cli/run_for_test.h"
#include "cli/stub_server.h"
#include "io/folder_for_test.h"

namespace ebb::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

wire::Invoice invoice_for_test() {
  std::vector<wire::BillRow> lines = {{.endpoint = "chat",
                                       .tier = "cold",
                                       .calls = 2,
                                       .faults = 1,
                                       .billed_ms = 1'204,
                                       .mib_ms = 616'448,
                                       .cost = 10'063'168,
                                       .list_cost = 10'063'168,
                                       .prompt_tokens = 16,
                                       .completion_tokens = 64},
                                      {.endpoint = "chat",
                                       .tier = "warm",
                                       .calls = 20,
                                       .billed_ms = 900,
                                       .mib_ms = 460'800,
                                       .cost = 11'372'800,
                                       .list_cost = 11'372'800,
                                       .prompt_tokens = 320,
                                       .completion_tokens = 1'000}};
  wire::BillRow total = wire::total_of(lines);
  return {.tenant = "acme",
          .month = "2023-11",
          .zone = "Europe/Berlin",
          .from = WallTime(seconds(1'698'793'200)),
          .to = WallTime(seconds(1'701'385'200)),
          .from_in_zone = "2023-11-01T00:00:00+01:00",
          .to_in_zone = "2023-12-01T00:00:00+01:00",
          .made = WallTime(seconds(1'700'000'000)),
          .state = "running",
          .currency = "USD",
          .lines = std::move(lines),
          .total = std::move(total),
          .elsewhere = {.currency = "USD",
                        .calls = 21,
                        .mib_ms = 1'077'248,
                        .duty = 0.25,
                        .break_even_duty = 0.0681,
                        .clouds = {{.name = "A Cloud", .cost = 21'735'555, .break_even_duty = 0.00004, .source = "its price list"},
                                   {.name = "Cheap", .cost = 99'999'999'999, .break_even_duty = 1.5, .source = "free"}},
                        .always_on = {.memory_mib = 512, .held = std::chrono::hours(335), .per_gib_hour = 5'000'000'000, .cost = 837'500'000'000}}};
}

// Ran against a server whose answer is this.
struct Asked {
  Ran ran;
  std::vector<StubRequest> requests;
};
Asked ask(const wire::Invoice& invoice, std::vector<std::string> args) {
  const StubServer server([&](const StubRequest&) { return StubReply{.body = json::serialize(wire::to_json(invoice))}; });
  args.insert(args.begin(), "bill");
  Ran ran = run_for_test({.server = server.url()}, args);
  return {.ran = std::move(ran), .requests = server.requests()};
}

TEST(Invoice, SaysWhatIsSetOffAgainstListPrices) {
  wire::Invoice invoice = invoice_for_test();
  EXPECT_EQ(invoice_set_off(invoice), "");
  invoice.total.list_cost += 1'000'000'000'000;
  EXPECT_THAT(invoice_set_off(invoice), HasSubstr("make it 1.00 less"));
  EXPECT_THAT(invoice_html(invoice), HasSubstr("make it 1.00 less"));
  invoice.total.list_cost = 0;
  EXPECT_THAT(invoice_set_off(invoice), HasSubstr("more"));
}

TEST(Invoice, AsATable) {
  const Asked asked = ask(invoice_for_test(), {"--tenant", "acme", "--month", "2023-11", "--zone", "Europe/Berlin"});
  EXPECT_EQ(asked.ran.code, 0) << asked.ran.err;
  EXPECT_EQ(asked.requests.at(0).path, "/ebb/v1/invoice?month=2023-11&zone=Europe%2FBerlin&tenant=acme");
  EXPECT_THAT(asked.ran.out, testing::StartsWith("Invoice for acme, November 2023\n"
                                                 "calls that ended from 2023-11-01T00:00:00+01:00 to before 2023-12-01T00:00:00+01:00 (Europe/Berlin)\n"
                                                 "made 2023-11-14T22:13:20.000Z: the month is not over, more can come\n"
                                                 "\n"
                                                 "ENDPOINT  TIER  CALLS  FAULTS  BILLED MS  GIB-SECONDS  PROMPT TOKENS  ANSWER TOKENS        COST USD\n"
                                                 "chat      cold      2       1       1204        0.602             16             64  0.000010063168\n"
                                                 "chat      warm     20       0        900        0.450            320           1000  0.000011372800\n"
                                                 "total              22       1       2104        1.052            336           1064  0.000021435968\n"
                                                 "1 of these calls failed by Ebb's fault and cost nothing\n"
                                                 "\n"
                                                 "THE SAME MONTH ELSEWHERE    COST USD  ALWAYS ON IS CHEAPER FROM\n"
                                                 "Ebb, this invoice         0.00002144              6.8 % at work\n"
                                                 "A Cloud                   0.00002174   less than 0.01 % at work\n"
                                                 "Cheap                           0.10                      never\n"
                                                 "a machine always on           0.8375\n"
                                                 "\n"));
  EXPECT_THAT(asked.ran.out, HasSubstr("512 MiB for an instance of each endpoint, more where more were at work on average, held for 335 hours at 0.005 USD"));
  EXPECT_THAT(asked.ran.out, HasSubstr("at work for 25 % of the time"));
  EXPECT_THAT(asked.ran.out, HasSubstr("\nA Cloud: its price list.\n"));
}

TEST(Invoice, AsCsvAndJson) {
  EXPECT_EQ(ask(invoice_for_test(), {"--month", "2023-11", "--csv"}).ran.out,
            "tenant,month,zone,endpoint,tier,calls,faults,billed_ms,mib_ms,prompt_tokens,completion_tokens,cost,currency\n"
            "acme,2023-11,Europe/Berlin,chat,cold,2,1,1204,616448,16,64,0.000010063168,USD\n"
            "acme,2023-11,Europe/Berlin,chat,warm,20,0,900,460800,320,1000,0.0000113728,USD\n");
  EXPECT_EQ(ask(invoice_for_test(), {"--month", "2023-11", "--json"}).ran.out, json::serialize(wire::to_json(invoice_for_test())) + "\n");
}

TEST(Invoice, OfNothingSaysWhy) {
  wire::Invoice invoice = invoice_for_test();
  invoice.lines.clear();
  invoice.total = {};
  invoice.state = "not_begun";
  invoice.tenant.reset();
  const Ran ran = ask(invoice, {"--month", "2023-11"}).ran;
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, testing::StartsWith("Invoice for all tenants, November 2023\n"));
  EXPECT_THAT(ran.out, HasSubstr("the month has not begun\n\nnothing was billed in it\n"));
  const std::string page = ask(invoice, {"--month", "2023-11", "--html", "-"}).ran.out;
  EXPECT_THAT(page, HasSubstr("Nothing was billed in it"));
  EXPECT_THAT(page, Not(HasSubstr("elsewhere")));
  invoice.state = "over";
  EXPECT_THAT(ask(invoice, {"--month", "2023-11"}).ran.out, HasSubstr(": the month is over\n"));
}

TEST(Invoice, InAnotherCurrencyIsNotConverted) {
  wire::Invoice invoice = invoice_for_test();
  invoice.currency = "EUR";
  const std::string out = ask(invoice, {"--month", "2023-11"}).ran.out;
  EXPECT_THAT(out, HasSubstr("COST EUR"));
  EXPECT_THAT(out, Not(HasSubstr("Ebb, this invoice")));
  EXPECT_THAT(out, HasSubstr("These prices are in USD, the invoice is in EUR: they are not converted."));
}

TEST(Invoice, AsAPageThatNothingCanBreakOutOf) {
  wire::Invoice invoice = invoice_for_test();
  const std::string bad = R"(<script>alert("1")</script>&'x)";
  invoice.tenant = bad;
  invoice.zone = bad;
  invoice.currency = bad;
  invoice.from_in_zone = bad;
  invoice.lines[0].endpoint = bad;
  invoice.lines[1].tier = bad;
  invoice.elsewhere.currency = bad;
  invoice.elsewhere.clouds[0].name = bad;
  invoice.elsewhere.clouds[1].source = bad;
  const std::string page = ask(invoice, {"--month", "2023-11", "--html", "-"}).ran.out;
  EXPECT_THAT(page, testing::StartsWith("<!doctype html>"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\"1\"")));
  EXPECT_THAT(page, Not(HasSubstr("&'x")));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  for (const char* shown : {"&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;x", "0.000010063168", "0.000021435968", "the month is not over",
                            "1.052", "6.8 % at work", "1 of these calls failed by Ebb&#39;s fault and cost nothing", "@media print"})
    EXPECT_THAT(page, HasSubstr(shown));
}

TEST(Invoice, AsAPageInAFile) {
  const io::FolderForTest folder;
  const std::string file = folder.path() / "acme.html";
  const Ran ran = ask(invoice_for_test(), {"--month", "2023-11", "--html", file}).ran;
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, testing::StartsWith("the invoice is in " + file));
  std::ostringstream read;
  read << std::ifstream(file).rdbuf();
  EXPECT_EQ(read.str(), invoice_html(invoice_for_test()));
  EXPECT_EQ(ask(invoice_for_test(), {"--month", "2023-11", "--html", folder.path() / "none" / "x.html"}).ran.code, 1);
}

TEST(Invoice, UsageErrorsAskNothing) {
  const std::pair<std::vector<std::string>, const char*> rows[] = {
      {{"--month", "2026-13"}, "error: --month: '2026-13' is no month: write the year and the month's number, such as 2026-11\n"},
      {{"--month", "26-1"}, "is no month"},
      {{"--month", "2026-11-01"}, "is no month"},
      {{"--month", ""}, "is no month"},
      {{"--month", "2026-11", "--from", "2026-11-01"}, "--month"},
      {{"--month", "2026-11", "--to", "2026-11-01"}, "--month"},
      {{"--month", "2026-11", "--by", "day"}, "--month"},
      {{"--month", "2026-11", "--endpoint", "chat"}, "--month"},
      {{"--month", "2026-11", "--html", "x.html", "--csv"}, "--csv"},
      {{"--month", "2026-11", "--html", "x.html", "--json"}, "--json"},
      {{"--month", "2026-11", "--csv", "--json"}, "--csv"},
      {{"--zone", "UTC"}, "--month"},
      {{"--html", "x.html"}, "--month"},
  };
  for (const auto& [args, err] : rows) {
    const Asked asked = ask(invoice_for_test(), args);
    EXPECT_EQ(asked.ran.code, 2) << err;
    EXPECT_THAT(asked.ran.err, HasSubstr(err));
    EXPECT_EQ(asked.ran.out, "");
    EXPECT_TRUE(asked.requests.empty());
  }
}

TEST(GibSeconds, ToTheThousandth) {
  const std::pair<int64_t, const char*> rows[] = {{0, "0.000"},         {511, "0.000"},       {512, "0.001"},
                                                  {1'023'487, "0.999"}, {1'023'488, "1.000"}, {2'048'000'000, "2000.000"}};
  for (const auto& [mib_ms, text] : rows)
    EXPECT_EQ(gib_seconds(mib_ms), text) << mib_ms;
  EXPECT_EQ(gib_seconds(std::numeric_limits<int64_t>::max()), "9007199254740.992");
}

}  // namespace
}  // namespace ebb::cli
