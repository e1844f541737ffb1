// Rows of settings files and amounts.
#include "app/serve_options.h"

#include <gtest/gtest.h>

namespace ebb::app {
namespace {

TEST(ApplySettings, TakesWhatIsThereAndKeepsTheRest) {
  ServeOptions options;
  ASSERT_TRUE(apply_settings("port: 9000\ngrpc_port: 0\nmemory: 2GiB\ncores: 3\nprices: {currency: EUR, per_call: \"0.000001\"}\n", options));
  EXPECT_EQ(options.port, 9000);
  EXPECT_EQ(options.grpc_port, 0);
  EXPECT_EQ(options.memory_mib, 2048);
  EXPECT_EQ(options.cores, 3);
  EXPECT_EQ(options.prices.currency, "EUR");
  EXPECT_EQ(options.prices.per_call, 1'000'000);
  EXPECT_EQ(options.prices.steps, domain::PriceList{}.steps);
  ASSERT_TRUE(apply_settings("prices: {per_mib_ms: \"0.000000000003\", init_per_mib_ms: \"0.000000000001\"}", options));
  EXPECT_EQ(options.prices.steps[0].per_gib_second[0], 3 * domain::kMibMsPerGibSecond);
  EXPECT_EQ(options.prices.init_per_gib_second, domain::kMibMsPerGibSecond);
  EXPECT_EQ(options.listen, "127.0.0.1");
}

TEST(ApplySettings, FilesOfTlsLieInTheHome) {
  ServeOptions options{.home = "/srv/ebb"};
  ASSERT_TRUE(apply_settings("listen: 0.0.0.0\ntls: {cert: cert.pem, key: /etc/key.pem}\n", options));
  EXPECT_EQ(options.tls_cert, "/srv/ebb/cert.pem");
  EXPECT_EQ(options.tls_key, "/etc/key.pem");
  EXPECT_FALSE(options.behind_proxy);
  ASSERT_TRUE(apply_settings("behind_proxy: true\n", options));
  EXPECT_TRUE(options.behind_proxy);
}

TEST(ApplySettings, AnEmptyFileChangesNothing) {
  ServeOptions options;
  EXPECT_TRUE(apply_settings("", options));
  EXPECT_TRUE(apply_settings("# nothing\n", options));
}

TEST(ApplySettings, RefusesByName) {
  struct Row {
    const char* yaml;
    const char* param;
  };
  const Row rows[] = {{"prot: 1", "prot"},
                      {"port: 70000", "port"},
                      {"tls: {cert: a}", "tls.key"},
                      {"tls: {cert: a, key: b, ca: c}", "tls.ca"},
                      {"behind_proxy: nginx", "behind_proxy"},
                      {"cores: 0", "cores"},
                      {"memory: much", "memory"},
                      {"prices: {per_call: \"-1\"}", "prices.per_call"},
                      {"prices: {currency: dollars}", "prices.currency"},
                      {"prices: {per_cal: \"1\"}", "prices.per_cal"}};
  for (const Row& row : rows) {
    ServeOptions options;
    const Status applied = apply_settings(row.yaml, options);
    ASSERT_FALSE(applied) << row.yaml;
    EXPECT_EQ(applied.error().param, row.param) << row.yaml;
  }
}

}  // namespace
}  // namespace ebb::app
