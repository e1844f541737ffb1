// Names of what has hashes.
#include "plan/trace_names.h"

#include <gtest/gtest.h>

#include <set>

#include "domain/endpoint.h"

namespace ebb::plan {
namespace {

TEST(TraceNames, AreLegal) {
  struct Row {
    std::string text, name;
  };
  const Row rows[] = {
      {"abc", "abc"},
      {"Azure LLM+1.csv", "azure-llm-1.csv"},
      {"", "f"},
      {"-a", "f-a"},
      {".", "f."},
      {"\xC3\xA4", "f--"},
      {std::string(80, 'a'), std::string(63, 'a')},
      {"_" + std::string(80, 'a'), "f_" + std::string(61, 'a')},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(legal_name(row.text), row.name);
    EXPECT_TRUE(domain::is_name(legal_name(row.text))) << row.text;
  }
}

TEST(TraceNames, AreAsShortAsTellsThemApart) {
  const std::string x(62, 'x');
  const std::string x1 = x + "1", x2 = x + "2", x12 = x + "12", x13 = x + "13";
  struct Row {
    std::vector<TraceKey> keys;
    std::vector<std::string> names;
  };
  const Row rows[] = {
      {{}, {}},
      {{{"app", "0123456789"}}, {"01234567"}},
      {{{"app", "abc"}, {"app", "abcd"}}, {"abc", "abcd"}},
      {{{"app", "0123456789"}, {"app", "0123456799"}, {"app", "a123456789"}}, {"012345678", "012345679", "a12345678"}},
      {{{"0123456789", "same function"}, {"1123456789", "same function"}}, {"01234567-same-fun", "11234567-same-fun"}},
      {{{"0123456789", "f"}, {"0123456799", "f"}}, {"0123456789-f", "0123456799-f"}},
      {{{"a b", "f"}, {"a+b", "f"}, {"c", "f"}}, {"a-b-f-1", "a-b-f-2", "c-f-3"}},
      {{{"a", "A"}, {"a", "a"}}, {"a-a-1", "a-a-2"}},
      {{{x, x1}, {x, x2}}, {x1, x2}},
      {{{"a", x12}, {"a", x13}}, {"a-xxxxxxxxxxxxxxxx-1", "a-xxxxxxxxxxxxxxxx-2"}},
  };
  for (const Row& row : rows) {
    const std::vector<std::string> names = trace_names(row.keys);
    EXPECT_EQ(names, row.names);
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), row.keys.size());
    for (const std::string& name : names)
      EXPECT_TRUE(domain::is_name(name)) << name;
  }
}

}  // namespace
}  // namespace ebb::plan
