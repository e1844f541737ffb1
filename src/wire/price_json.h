// Price lists and limits by rate as people write them and as the admin API has them. Pure.
//
//   currency: USD                        # left out: the server's
//   note: "from the new year on"
//   from: 2027-01-01T00:00:00Z           # left out: at once
//   per_gib_second: "0.0000166667"       # of memory, while a call runs; or by how it found its endpoint:
//                                        # {warm: …, provisioned: …, parked: …, cold: …}; what is left out is as `warm`
//   init_per_gib_second: "0"             # while an instance of a function starts
//   per_call: "0.0000002"
//   per_million_tokens: {prompt: "0.15", completion: "0.60"}
//   steps:                               # past so much of a tenant's month, another price of run time
//     - {from_gib_seconds: 6000000, per_gib_second: "0.000015"}
//   free: {gib_seconds: 400000, calls: 1000000, prompt_tokens: 0, completion_tokens: 0}   # of each tenant, each month (UTC)
//
// Amounts are text, since numbers would lose digits on the way. What is left out costs nothing, but for per_gib_second, which must be there.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "domain/price_list.h"
#include "domain/rate_limit.h"

namespace ebb::wire {

// The body of POST prices.
struct AddPrices {
  domain::PriceList list;  // without version and moment; an empty currency: the server's
  std::optional<WallTime> from;
  bool operator==(const AddPrices&) const = default;
};
// Closed schema. Error: kInvalid with the path of the field as param.
Result<AddPrices> add_prices_from_json(const json::value& value);

// One element of GET prices ({"prices": […]}, the oldest first), and the answer to POST: the document, with "version", "from" and "state".
struct PriceRow {
  domain::PriceList list;
  std::string state;  // over, in_force or to_come
  bool operator==(const PriceRow&) const = default;
};
json::value to_json(const PriceRow& row);
Result<PriceRow> price_row_from_json(const json::value& value);
// What add_prices_from_json reads back as the same.
json::object document_of(const domain::PriceList& list);

// The body of PUT limits/{whose}/{name}/{of}: {"limit": "600/minute"}.
Result<domain::RateAmount> put_limit_from_json(const json::value& value, domain::RateOf of);

// One element of GET limits ({"limits": […]}), and the answer to PUT.
struct LimitRow {
  domain::RateLimit limit;
  int64_t running = 0;  // of concurrency: calls that are not over
  double used = 0;      // of what may be used at once; past 1: owed
  bool operator==(const LimitRow&) const = default;
};
json::value to_json(const LimitRow& row);
Result<LimitRow> limit_row_from_json(const json::value& value);

}  // namespace ebb::wire
