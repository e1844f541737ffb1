// YAML by yaml-cpp's events rather than its nodes: anchors, aliases and tags are refused where they appear, so nothing is ever expanded.
#include "wire/spec.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <vector>

#include "domain/limits.h"

namespace ebb::wire {

namespace {

std::string position(const YAML::Mark& mark) { return fmt::format("line {}, column {}", mark.line + 1, mark.column + 1); }

// A plain scalar by the core schema of YAML 1.2, without octal and hexadecimal numbers.
json::value plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  int64_t whole = 0;
  const char* const end = text.data() + text.size();
  if (const auto read = std::from_chars(text.data(), end, whole); read.ec == std::errc() && read.ptr == end) return whole;
  double number = 0;
  if (const auto read = std::from_chars(text.data(), end, number); read.ec == std::errc() && read.ptr == end && std::isfinite(number)) return number;
  return json::value(text);
}

// Builds a JSON value and keeps the first error; after one, further events change nothing.
class Builder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(mark, "", anchor, nullptr, std::string()); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, "aliases are not supported: write the value out"); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) override {
    // yaml-cpp gives "!" to quoted scalars and "?" to plain ones.
    add(mark, tag == "!" ? "" : tag, anchor, tag == "!" ? json::value(text) : plain_scalar(text), text);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, json::array());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, json::object());
  }
  void OnMapEnd() override { close(); }

  const std::optional<Error>& error() const { return error_; }
  YamlDocument take() { return {.value = std::move(root_), .lines = std::move(lines_)}; }

  void refuse(const YAML::Mark& mark, std::string_view why) {
    if (!error_) error_ = Error{.kind = ErrorKind::kInvalid, .message = fmt::format("{}: {}", position(mark), why)};
  }

 private:
  struct Level {
    json::value value;
    std::optional<std::string> key;  // of the object: read, its value still to come
  };

  bool acceptable(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) refuse(mark, "anchors are not supported: write the value out");
    if (!tag.empty() && tag != "?") refuse(mark, "tags are not supported");
    return !error_;
  }

  void add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, json::value value, const std::string& text) {
    if (!acceptable(mark, tag, anchor)) return;
    if (expects_key()) {
      if (levels_.back().value.get_object().contains(text)) return refuse(mark, fmt::format("'{}' is there twice", text.substr(0, 80)));
      levels_.back().key = text;
      lines_.emplace(path(), mark.line + 1);
      return;
    }
    place(std::move(value));
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, json::value empty) {
    if (!acceptable(mark, tag, anchor)) return;
    if (expects_key()) return refuse(mark, "a key must be a plain word");
    if (!levels_.empty() && levels_.back().value.is_array()) lines_.emplace(path(), mark.line + 1);
    if (levels_.size() >= static_cast<size_t>(domain::kSpecDepthMax)) return refuse(mark, fmt::format("more than {} levels deep", domain::kSpecDepthMax));
    levels_.push_back({std::move(empty), std::nullopt});
  }

  void close() {
    if (error_) return;
    json::value done = std::move(levels_.back().value);
    levels_.pop_back();
    place(std::move(done));
  }

  // Of the field whose key was read last, or the element that comes next.
  std::string path() const {
    std::string path;
    for (const Level& level : levels_) {
      if (level.key) path += (path.empty() ? "" : ".") + *level.key;
      if (level.value.is_array()) path += fmt::format("[{}]", level.value.get_array().size());
    }
    return path;
  }

  bool expects_key() const { return !levels_.empty() && levels_.back().value.is_object() && !levels_.back().key; }

  void place(json::value value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return;
    }
    Level& level = levels_.back();
    if (level.value.is_array()) {
      level.value.get_array().push_back(std::move(value));
    } else {
      level.value.get_object().emplace(*level.key, std::move(value));
      level.key.reset();
    }
  }

  json::value root_;
  std::map<std::string, int, std::less<>> lines_;
  std::vector<Level> levels_;
  std::optional<Error> error_;
};

}  // namespace

Result<json::value> yaml_to_json(std::string_view yaml) {
  Result<YamlDocument> document = read_yaml(yaml);
  if (!document) return fail(document.error());
  return std::move(document->value);
}

Result<YamlDocument> read_yaml(std::string_view yaml) {
  if (yaml.size() > domain::kSpecBytesMax)
    return fail(ErrorKind::kTooLarge, fmt::format("{} bytes of YAML, but at most {} are read", yaml.size(), domain::kSpecBytesMax));
  if (yaml.find('\0') != std::string_view::npos) return fail(ErrorKind::kInvalid, "there is a NUL byte in it: not a text file");
  std::istringstream stream{std::string(yaml)};
  Builder builder;
  // yaml-cpp reports by exceptions: this is where they end.
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return YamlDocument{};
    if (builder.error()) return fail(*builder.error());
    YamlDocument document = builder.take();
    if (parser.HandleNextDocument(builder)) return fail(ErrorKind::kInvalid, "more than one document: write one a file");
    return document;
  } catch (const YAML::Exception& error) {
    if (builder.error()) return fail(*builder.error());
    return fail(ErrorKind::kInvalid, fmt::format("{}: {}", position(error.mark), error.msg));
  }
}

}  // namespace ebb::wire
