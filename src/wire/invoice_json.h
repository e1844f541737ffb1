// GET /ebb/v1/invoice: what one tenant owes for a month, and what the month would have cost elsewhere. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/admin_json.h"

namespace ebb::wire {

struct Invoice {
  // At published prices, for the calls alone: how many starts there would be is the other's affair.
  struct Cloud {
    std::string name;
    domain::Pico cost = 0;
    std::optional<double> break_even_duty = {};  // from which share of the time at work a machine that is always on costs less
    std::string source;
    bool operator==(const Cloud&) const = default;
  };
  struct AlwaysOn {
    int64_t memory_mib = 0;  // of each endpoint's instances: as many as were at work on average, at least one
    milliseconds held{0};    // the month, or what has passed of it
    domain::Pico per_gib_hour = 0;
    domain::Pico cost = 0;
    bool operator==(const AlwaysOn&) const = default;
  };
  struct Elsewhere {
    std::string currency;  // of all that is in here, whatever the invoice's
    int64_t calls = 0;     // that are compared: without starts, and without those that failed by our fault
    int64_t mib_ms = 0;
    std::optional<double> duty = {};             // the share of the time for which that memory was at work
    std::optional<double> break_even_duty = {};  // as of a cloud, at the invoice's own prices; nullopt in another currency
    std::vector<Cloud> clouds = {};
    AlwaysOn always_on = {};
    bool operator==(const Elsewhere&) const = default;
  };

  std::optional<std::string> tenant = {};  // nullopt: all of them
  std::string month;                       // "2026-11"
  std::string zone;
  WallTime from{};           // inclusive …
  WallTime to{};             // … and exclusive
  std::string from_in_zone;  // as its clocks show it
  std::string to_in_zone;
  WallTime made{};
  std::string state;  // over, running, not_begun
  std::string currency;
  std::vector<BillRow> lines = {};  // by endpoint and tier
  BillRow total = {};               // their sum
  Elsewhere elsewhere = {};
  bool operator==(const Invoice&) const = default;
};

json::value to_json(const Invoice& invoice);
Result<Invoice> invoice_from_json(const json::value& value);

}  // namespace ebb::wire
