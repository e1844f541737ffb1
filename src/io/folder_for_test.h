// A folder that goes with its test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/check.h"

namespace ebb::io {

class FolderForTest {
 public:
  FolderForTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ebb-test-XXXXXX").string();
    EBB_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  FolderForTest(const FolderForTest&) = delete;
  FolderForTest& operator=(const FolderForTest&) = delete;
  ~FolderForTest() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path path(const std::string& name) const { return path_ / name; }
  // Files below a subfolder.
  size_t files(const std::string& below) const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_ / below))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace ebb::io
