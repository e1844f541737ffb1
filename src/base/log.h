// Log lines: readable on a terminal, JSON otherwise. Never a prompt, an answer or a key.
//
//   log_info("worker ready", {{"worker", id}, {"ms", 12}});
//
// Thread-safe. Before init_log, lines go to stderr as text.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace ebb {

struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  LogField(std::string_view k, int64_t v) : key(k), value(v) {}
  LogField(std::string_view k, uint64_t v) : key(k), value(static_cast<int64_t>(v)) {}
  LogField(std::string_view k, int v) : key(k), value(int64_t{v}) {}
  LogField(std::string_view k, unsigned v) : key(k), value(int64_t{v}) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}

  std::string_view key;
  std::variant<std::string, int64_t, double> value;
};

enum class LogLevel { kDebug, kInfo, kWarn, kError };
using LogFields = std::initializer_list<LogField>;

// Called once by main. `force_json` is for tests and --log-json.
void init_log(LogLevel lowest, bool force_json);

void log_line(LogLevel level, std::string_view message, LogFields fields);
inline void log_debug(std::string_view message, LogFields fields = {}) { log_line(LogLevel::kDebug, message, fields); }
inline void log_info(std::string_view message, LogFields fields = {}) { log_line(LogLevel::kInfo, message, fields); }
inline void log_warn(std::string_view message, LogFields fields = {}) { log_line(LogLevel::kWarn, message, fields); }
inline void log_error(std::string_view message, LogFields fields = {}) { log_line(LogLevel::kError, message, fields); }

// One line as text or JSON, without time and level; control characters escaped. Pure; used by log_line and by endpoint logs.
std::string format_log_text(std::string_view message, LogFields fields);
std::string format_log_json(std::string_view message, LogFields fields);

}  // namespace ebb
