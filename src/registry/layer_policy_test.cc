// Entries of layers, row by row.
#include "registry/layer_policy.h"

#include <gtest/gtest.h>

#include "domain/limits.h"

namespace ebb::registry {
namespace {

using Type = LayerEntry::Type;

std::string parts(size_t count, const std::string& name) {
  std::string path = name;
  for (size_t i = 1; i < count; ++i)
    path += "/" + name;
  return path;
}

TEST(LayerPolicy, Entries) {
  struct Row {
    LayerEntry entry;
    const char* refused;  // words; nullptr: fine
  };
  const std::string name255(255, 'n');
  const Row rows[] = {
      {{.path = "etc/passwd"}, nullptr},
      {{.path = "./etc"}, nullptr},
      {{.type = Type::kFolder, .path = "./"}, nullptr},
      {{.path = "/abs"}, nullptr},
      {{.path = "a...b/..c/d.."}, nullptr},
      {{.path = ""}, "empty name"},
      {{.path = ".."}, "upward"},
      {{.path = "../x"}, "upward"},
      {{.path = "a/../b"}, "upward"},
      {{.path = "a/.."}, "upward"},
      {{.path = "/../a"}, "upward"},
      {{.path = std::string("a\0b", 3)}, "NUL"},
      {{.path = name255}, nullptr},
      {{.path = name255 + "n"}, "name that is too long"},
      {{.path = parts(20, std::string(250, 'p'))}, "path that is too long"},
      {{.path = parts(128, "d")}, nullptr},
      {{.path = parts(129, "d")}, "too deep"},
      {{.type = Type::kSymlink, .path = "bin", .target = "/usr/bin"}, nullptr},
      {{.type = Type::kSymlink, .path = "up", .target = "../../.."}, nullptr},
      {{.type = Type::kSymlink, .path = "no", .target = ""}, "cannot be"},
      {{.type = Type::kHardLink, .path = "a", .target = "b"}, nullptr},
      {{.type = Type::kHardLink, .path = "a", .target = "../b"}, "not in the image"},
      {{.type = Type::kHardLink, .path = "a", .target = ""}, "not in the image"},
      {{.path = "d/.wh.x"}, nullptr},
      {{.path = "d/.wh..wh..opq"}, nullptr},
      {{.path = "d/.wh..hidden"}, nullptr},
      {{.path = "d/.wh."}, "nothing that could"},
      {{.path = "d/.wh.."}, "nothing that could"},
      {{.path = "d/.wh..."}, "nothing that could"},
      {{.path = "d/.wh..wh.plnk"}, "unknown kind"},
      {{.type = Type::kFolder, .path = "d/.wh.x/"}, "no plain file"},
      {{.type = Type::kSymlink, .path = ".wh.x", .target = "y"}, "no plain file"},
      {{.type = Type::kNode, .path = "dev/null"}, nullptr},
      {{.type = Type::kOther, .path = "x"}, "of a type"},
      {{.path = "x", .user = 4'294'967'294}, nullptr},
      {{.path = "x", .user = 4'294'967'295}, "user or group"},
      {{.path = "x", .group = -1}, "user or group"},
      {{.path = "x", .attributes = {"user.a", "security.capability"}}, nullptr},
      {{.path = "x", .attributes = {"trusted.overlay.opaque"}}, "extended attribute"},
      {{.path = "x", .bytes = domain::kImageUnpackedBytesMax}, nullptr},
      {{.path = "x", .bytes = domain::kImageUnpackedBytesMax + 1}, "unpacks to more"},
      {{.path = "x", .bytes = UINT64_MAX}, "unpacks to more"},
  };
  for (const Row& row : rows) {
    LayerTally tally;
    const Status judged = judge_entry(row.entry, tally);
    ASSERT_EQ(judged.has_value(), row.refused == nullptr) << row.entry.path;
    if (judged) continue;
    EXPECT_NE(judged.error().message.find(row.refused), std::string::npos) << judged.error().message;
    EXPECT_EQ(judged.error().param, "source");
    for (const char c : judged.error().message)
      EXPECT_GE(static_cast<unsigned char>(c), 0x20) << row.entry.path;
  }
}

TEST(LayerPolicy, BoundsAreOfAllLayersTogether) {
  LayerTally tally{.bytes = domain::kImageUnpackedBytesMax - 10};
  EXPECT_TRUE(judge_entry({.path = "a", .bytes = 10}, tally));
  EXPECT_FALSE(judge_entry({.path = "b", .bytes = 1}, tally));
  tally = {.entries = domain::kImageEntriesMax - 1};
  EXPECT_TRUE(judge_entry({.path = "a"}, tally));
  EXPECT_FALSE(judge_entry({.path = "b"}, tally));
}

TEST(LayerPolicy, Ratios) {
  EXPECT_TRUE(judge_ratio(domain::kImageRatioFreeBytes, 0));
  EXPECT_TRUE(judge_ratio(domain::kImageRatioFreeBytes + 99, 1));
  EXPECT_FALSE(judge_ratio(domain::kImageRatioFreeBytes + 100, 1));
  EXPECT_TRUE(judge_ratio(10ULL << 30U, 1ULL << 30U));
  EXPECT_FALSE(judge_ratio(UINT64_MAX, 1ULL << 30U));
}

TEST(LayerPolicy, NotesSayWhatWasMet) {
  LayerTally tally;
  EXPECT_TRUE(notes_of(tally).empty());
  EXPECT_TRUE(judge_entry({.type = LayerEntry::Type::kNode, .path = "dev/null"}, tally));
  EXPECT_TRUE(judge_entry({.path = "x", .user = 70'000}, tally));
  const std::vector<std::string> notes = notes_of(tally);
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_TRUE(notes[0].starts_with("devices and pipes were left out (1)"));
  EXPECT_TRUE(notes[1].starts_with("some files (1) belong"));
}

}  // namespace
}  // namespace ebb::registry
