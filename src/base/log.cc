// spdlog behind one function. Values are escaped here, so that no field can forge a line.
#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <memory>

namespace ebb {

namespace {

std::atomic<bool> json_lines = false;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarn: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

spdlog::logger& logger() {
  // One logger for the process, made at first use and never destroyed, so that lines can be written until the last moment.
  static spdlog::logger& instance = *new spdlog::logger("ebb", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  return instance;
}

std::string text_of(const std::variant<std::string, int64_t, double>& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    const bool plain = !text->empty() && text->find_first_of(" \"=\\") == std::string::npos &&
                       std::all_of(text->begin(), text->end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
    return plain ? *text : boost::json::serialize(boost::json::value(*text));
  }
  if (const auto* whole = std::get_if<int64_t>(&value)) return fmt::format("{}", *whole);
  return fmt::format("{:.3f}", std::get<double>(value));
}

// A field that has nothing to say would only be noise.
bool is_empty(const LogField& field) {
  const auto* text = std::get_if<std::string>(&field.value);
  return text != nullptr && text->empty();
}

bool needs_no_escape(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\' && static_cast<unsigned char>(c) < 0x7f; }

void append_quoted(std::string& line, std::string_view text) {
  if (std::ranges::all_of(text, needs_no_escape)) {
    line.append(1, '"').append(text).append(1, '"');
  } else {
    line += boost::json::serialize(boost::json::value(text));
  }
}

}  // namespace

std::string format_log_text(std::string_view message, LogFields fields) {
  std::string line(message);
  for (const LogField& field : fields)
    if (!is_empty(field)) line += fmt::format(" {}={}", field.key, text_of(field.value));
  return line;
}

std::string format_log_json(std::string_view message, LogFields fields) {
  std::string line = "{\"msg\":";
  append_quoted(line, message);
  for (const LogField& field : fields) {
    if (is_empty(field)) continue;
    line += ',';
    append_quoted(line, field.key);
    line += ':';
    if (const auto* text = std::get_if<std::string>(&field.value)) {
      append_quoted(line, *text);
    } else {
      line += text_of(field.value);
    }
  }
  return line + "}";
}

void init_log(LogLevel lowest, bool force_json) {
  json_lines = force_json || ::isatty(STDERR_FILENO) == 0;
  logger().set_level(to_spdlog(lowest));
  logger().set_pattern(json_lines ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)" : "%H:%M:%S.%e %^%-5l%$ %v",
                       json_lines ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local);
  logger().flush_on(spdlog::level::debug);
}

void log_line(LogLevel level, std::string_view message, LogFields fields) {
  if (!logger().should_log(to_spdlog(level))) return;
  if (json_lines) {
    logger().log(to_spdlog(level), "{}", format_log_json(message, fields).substr(1));
  } else {
    logger().log(to_spdlog(level), "{}", format_log_text(message, fields));
  }
}

}  // namespace ebb
