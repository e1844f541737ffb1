// Rows that were written by us: their checksum held. What a zone is may have changed since.
#include "store/schedule_text.h"

#include "base/json.h"

namespace ebb::store {

namespace {

bool is_entry(const json::value& value) {
  const json::array* entry = value.if_array();
  return entry != nullptr && entry->size() == 3 && (*entry)[0].is_string() && (*entry)[1].is_string() && (*entry)[2].is_int64();
}

}  // namespace

std::string schedule_to_text(const std::vector<domain::ProvisionedAt>& schedule) {
  if (schedule.empty()) return "";
  json::array entries;
  for (const domain::ProvisionedAt& entry : schedule)
    entries.push_back(json::array{json::value(entry.cron.expression()), json::value(entry.cron.zone()), json::value(entry.provisioned)});
  return json::serialize(entries);
}

Result<std::vector<domain::ProvisionedAt>> schedule_from_text(std::string_view text) {
  std::vector<domain::ProvisionedAt> schedule;
  if (text.empty()) return schedule;
  const Result<json::value> value = parse_json(text);
  if (!value || !value->is_array()) return fail(ErrorKind::kCorrupt, "no valid schedule");
  for (const json::value& entry : value->get_array()) {
    if (!is_entry(entry)) return fail(ErrorKind::kCorrupt, "no valid schedule");
    const json::array& fields = entry.get_array();
    Result<domain::Cron> cron = domain::Cron::parse(std::string_view(fields[0].get_string()), std::string_view(fields[1].get_string()));
    if (!cron) return fail(cron.error());
    schedule.push_back({.cron = std::move(*cron), .provisioned = static_cast<int>(fields[2].get_int64())});
  }
  return schedule;
}

}  // namespace ebb::store
