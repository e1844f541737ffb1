// Files of an unpacked image, read by a process that is not in it: links lead nowhere but inside, nothing is waited for, and everything is bounded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::container {

class ImageFiles {
 public:
  // kIo, kNotFound: the root.
  static Result<ImageFiles> open(const std::string& root);

  // Of an ordinary file; nullopt: there is none of this name. kInvalid: something else has the name, or it has more than `bytes_max`.
  Result<std::optional<std::string>> read(const std::string& path, size_t bytes_max) const;
  // Whether an ordinary file has the name.
  bool has(const std::string& path) const;
  // Names in a folder without "." and "..", sorted; empty: there is no such folder. kInvalid: more than `names_max`.
  Result<std::vector<std::string>> names(const std::string& path, size_t names_max) const;

 private:
  explicit ImageFiles(Fd root) : root_(std::move(root)) {}
  Fd open_inside(const std::string& path, int flags) const;

  Fd root_;
};

}  // namespace ebb::container
