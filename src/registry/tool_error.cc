// By the words that the tools' libraries have used for years; what is not known is passed on as it was said.
#include "registry/tool_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace ebb::registry {

namespace {

constexpr size_t kWordsMax = 400;

bool has(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

// msg="…" with its escapes undone.
std::string message_in(std::string_view line) {
  const size_t begin = line.find("msg=\"");
  if (begin == std::string_view::npos) return std::string(line);
  std::string out;
  for (size_t i = begin + 5; i < line.size() && line[i] != '"'; ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) ++i;
    out += line[i];
  }
  return out;
}

Error error(ErrorKind kind, std::string message) { return {.kind = kind, .message = std::move(message), .param = "source"}; }

void drop(std::string& words, std::string_view noise) {
  for (size_t at = words.find(noise); at != std::string::npos && !noise.empty(); at = words.find(noise))
    words.erase(at, noise.size());
}

Error registry_error(const std::string& words, const Copied& copied) {
  if (has(words, {"unauthorized", "authentication required", "access to the resource is denied", "DENIED"}))
    return error(ErrorKind::kUnauthorized,
                 fmt::format("{} wants a login, or one with more rights: ebb registry login {} --username NAME", copied.from, copied.registry));
  if (has(words, {"manifest unknown", "name unknown", "not found", "NAME_UNKNOWN", "MANIFEST_UNKNOWN"}))
    return error(ErrorKind::kNotFound, fmt::format("{} has no such image: check its name and tag ({})", copied.from, words));
  if (has(words, {"certificate", "x509"}))
    return error(ErrorKind::kInvalid, fmt::format("the certificate of {} cannot be verified: {}", copied.registry, words));
  return error(ErrorKind::kUnavailable, fmt::format("{} cannot be reached, or does not answer as it should: {}", copied.from, words));
}

}  // namespace

std::string last_words(std::string_view said, std::string_view folder) {
  while (said.ends_with('\n'))
    said.remove_suffix(1);
  std::string words = message_in(said.substr(said.rfind('\n') + 1));
  // The name was the user's own.
  if (words.starts_with("Error parsing image name ")) words.erase(0, std::min(words.size(), words.find("\": ") + 3));
  for (const std::string_view noise :
       {std::string_view("determining manifest MIME type for "), std::string_view("create rootfs: "), std::string_view("⨯ "), folder})
    drop(words, noise);
  std::ranges::replace_if(
      words, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  words.erase(0, std::min(words.size(), words.find_first_not_of(' ')));
  if (words.size() > kWordsMax) words.resize(kWordsMax);
  return words.empty() ? "it did not say why" : words;
}

Error copy_error(std::string_view said, const Copied& copied) {
  const std::string words = last_words(said, copied.folder);
  const std::string& from = copied.from;
  if (has(words, {"no space left on device"})) return error(ErrorKind::kExhausted, "the disk is full: free some space and add the image again");
  if (has(words, {"file too large"})) return error(ErrorKind::kTooLarge, "a layer of the image is larger than is allowed");
  if (has(words, {"Digest did not match", "does not match expected"}))
    return error(ErrorKind::kCorrupt, fmt::format("a part of the image is not what its digest says: it was damaged or exchanged ({})", words));
  if (has(words, {"expected 1 item, got"})) return error(ErrorKind::kInvalid, "there are several images in the archive: put :NAME:TAG behind it");
  if (!copied.registry.empty()) return registry_error(words, copied);
  if (has(words, {"no such file or directory", "does not exist", "are missing in the tarball"}))
    return error(ErrorKind::kCorrupt, fmt::format("{} lacks a part: {}", from, words));
  return error(ErrorKind::kInvalid, fmt::format("{} cannot be copied by skopeo: {}", from, words));
}

Error unpack_error(std::string_view said, std::string_view folder) {
  const std::string words = last_words(said, folder);
  if (has(words, {"no space left on device"})) return error(ErrorKind::kExhausted, "the disk is full: free some space and add the image again");
  return error(ErrorKind::kInvalid, fmt::format("the image cannot be unpacked by umoci: {}", words));
}

}  // namespace ebb::registry
