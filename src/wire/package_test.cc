// What a package is, and each way of not being one.
#include "wire/package.h"

#include <gtest/gtest.h>

#include <vector>

#include "domain/limits.h"

namespace ebb::wire {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

std::string packed(const Files& files) {
  std::string bytes;
  for (const auto& [name, data] : files)
    bytes += entry_header(name, data.size()) + data + entry_padding(data.size());
  return bytes + package_end();
}
const Files kFiles{{"manifest.json", "{}"}, {"model.onnx", std::string(600, 'm')}, {"data/weights.bin", ""}, {"vocab.txt", std::string(512, 'v')}};

std::string why(const std::string& bytes) {
  const Result<Package> package = read_package(bytes);
  return package ? "" : package.error().message;
}

TEST(Package, ReadsWhatIsWritten) {
  const std::string bytes = packed(kFiles);
  const Result<Package> package = read_package(bytes);
  ASSERT_TRUE(package) << package.error().message;
  ASSERT_EQ(package->entries.size(), kFiles.size());
  for (const auto& [name, data] : kFiles) {
    const std::span<const char>* entry = package->find(name);
    ASSERT_NE(entry, nullptr) << name;
    EXPECT_EQ(std::string(entry->begin(), entry->end()), data);
    EXPECT_EQ((entry->data() - bytes.data()) % static_cast<ptrdiff_t>(kPackageBlockBytes), 0);
  }
  EXPECT_EQ(package->find("other"), nullptr);
}

// What other programs write for the same files: `tar --format=ustar --owner=0 --group=0 --mtime=@0 --mode=0444`.
TEST(Package, HeaderIsThatOfUstar) {
  const std::string header = entry_header("model.onnx", 8);
  EXPECT_EQ(header.substr(0, 10), "model.onnx");
  EXPECT_EQ(header.substr(100, 8), std::string("0000444\0", 8));
  EXPECT_EQ(header.substr(124, 12), std::string("00000000010\0", 12));
  EXPECT_EQ(header.substr(257, 8), std::string("ustar\00000", 8));
  EXPECT_EQ(header.substr(148, 8), std::string("011176\0 ", 8));
}

TEST(Package, EveryCutIsRefused) {
  const std::string bytes = packed(kFiles);
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(read_package(std::span(bytes).first(length))) << length;
}

TEST(Package, EveryByteOfAHeaderCounts) {
  const std::string bytes = packed(kFiles);
  for (size_t at = 0; at < kPackageBlockBytes; ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(read_package(changed)) << at;
  }
}

TEST(Package, SaysWhatIsWrongAndWhere) {
  struct Row {
    Files files;
    std::string says;
  };
  const std::vector<Row> rows{
      {{}, "it has no 'manifest.json' (at byte 0)"},
      {{{"manifest.json", "{}"}}, "it has no 'model.onnx' (at byte 1024)"},
      {{{"model.onnx", "m"}, {"manifest.json", "{}"}}, "it begins with 'model.onnx' instead of 'manifest.json' (at byte 0)"},
      {{{"manifest.json", "{}"}, {"a", ""}, {"model.onnx", "m"}}, "'a' follows its manifest instead of 'model.onnx' (at byte 1024)"},
      {{{"manifest.json", "{}"}, {"model.onnx", "m"}, {"b", ""}, {"a", ""}}, "'a' comes behind 'b': files are in the order of their names (at byte 2560)"},
      {{{"manifest.json", "{}"}, {"model.onnx", "m"}, {"b", ""}, {"b", ""}}, "'b' is in it twice (at byte 2560)"},
  };
  for (const Row& row : rows)
    EXPECT_NE(why(packed(row.files)).find(row.says), std::string::npos) << why(packed(row.files));
  EXPECT_NE(why(packed(kFiles) + std::string(512, '\0')).find("it must end with 1024 bytes of zeros"), std::string::npos);
  std::string padded = packed(kFiles);
  padded[600] = 'x';
  EXPECT_NE(why(padded).find("what follows 'manifest.json' is not padding (at byte 514)"), std::string::npos) << why(padded);
  // A size that reaches beyond the end, in a header that is sound.
  const std::string lying = entry_header("manifest.json", 1'000'000) + package_end();
  EXPECT_NE(why(lying).find("'manifest.json' claims 1000000 bytes and 1024 are left"), std::string::npos) << why(lying);
}

TEST(Package, EntriesAreBounded) {
  Files files{{"manifest.json", ""}, {"model.onnx", ""}};
  for (size_t i = files.size(); i < domain::kPackageEntriesMax; ++i)
    files.emplace_back("x" + std::to_string(100 + i), "");
  EXPECT_EQ(why(packed(files)), "");
  files.emplace_back("y", "");
  EXPECT_NE(why(packed(files)).find("more than 64 entries"), std::string::npos);
}

TEST(Package, Names) {
  for (const char* name : {"a", "a/b", "model.onnx_data", "..a", "a..", "A-Z_09/x.y"})
    EXPECT_TRUE(is_package_name(name)) << name;
  const std::string long_name(101, 'a');
  for (const std::string& name :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("."), std::string(".."), std::string("a/../b"),
        std::string("./a"), std::string("a b"), std::string("a\\b"), std::string("a\0b", 3), std::string("ä"), std::string("C:x"), long_name})
    EXPECT_FALSE(is_package_name(name)) << name;
}

}  // namespace
}  // namespace ebb::wire
