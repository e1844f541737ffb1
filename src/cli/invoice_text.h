// What an invoice says, in words that its table and its page share. Pure.
#pragma once

#include <string>
#include <vector>

#include "wire/invoice_json.h"

namespace ebb::cli {

std::string invoice_title(const wire::Invoice& invoice);    // "Invoice for acme, November 2026"
std::string invoice_span(const wire::Invoice& invoice);     // from when to when, by which zone
std::string invoice_state(const wire::Invoice& invoice);    // when it was made, and whether more can come
std::string invoice_faults(const wire::Invoice& invoice);   // of calls that failed by Ebb's fault; empty: none did
std::string invoice_set_off(const wire::Invoice& invoice);  // what is free or by steps, against list prices; empty: nothing is
std::string gib_seconds(int64_t mib_ms);                    // to the thousandth

// What the month cost here and would have cost elsewhere; empty where nothing was called.
struct PricedPlace {
  std::string name;
  std::string cost;         // four digits that matter
  std::string always_from;  // share of the time at work from which a machine that is always on is cheaper; empty: it is that machine
};
std::vector<PricedPlace> priced_places(const wire::Invoice& invoice);

// What is compared, how much of the time was at work, and where prices are from, in sentences.
std::vector<std::string> price_notes(const wire::Invoice& invoice);

}  // namespace ebb::cli
