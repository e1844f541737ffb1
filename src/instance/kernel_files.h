// The small texts of /proc and of cgroups, which tell of something that may end at any moment, also between opening and reading.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace ebb::instance {

// All of it, at most 64 KiB. Empty: it is longer, cannot be read, or what it tells of is gone.
std::string kernel_text(const std::filesystem::path& file);

// The number that it begins with. nullopt: none, such as "max", or no such file.
std::optional<uint64_t> kernel_number(const std::filesystem::path& file);

}  // namespace ebb::instance
