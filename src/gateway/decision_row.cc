// "slots busy: 1 of 4" becomes slots_busy: 1 and slots_busy_of: 4.
#include "gateway/decision_row.h"

#include <algorithm>

#include "base/overload.h"

namespace ebb::gateway {

namespace {

void add(json::object& facts, std::string_view name, const control::Fact& fact) {
  std::string field(name);
  std::ranges::replace(field, ' ', '_');
  std::visit(Overload{[&](int64_t count) { facts[field] = count; }, [&](nanoseconds time) { facts[field + "_ns"] = time.count(); },
                      [&](control::Bytes bytes) { facts[field + "_bytes"] = bytes.bytes; },
                      [&](control::Of of) {
                        facts[field] = of.part;
                        facts[field + "_of"] = of.whole;
                      },
                      [&](control::Change change) {
                        facts[field + "_from"] = change.from;
                        facts[field + "_to"] = change.to;
                      },
                      [&](control::Money money) { facts[field + "_pico"] = money.pico; },
                      [&](control::Chance chance) { facts[field + "_share"] = chance.value; }, [&](const control::Text& text) { facts[field] = text.view(); }},
             fact);
}

}  // namespace

wire::DecisionRow decision_row(const invoke::DecisionView& view) {
  const control::Decision& decision = view.decision;
  wire::DecisionRow row{.id = decision.id.value,
                        .at = view.at,
                        .what = std::string(decision.what),
                        .because = std::string(decision.because.view()),
                        .call = decision.call ? to_hex(decision.call.value) : "",
                        .worker = decision.worker ? to_hex(decision.worker.value) : "",
                        .inputs = {}};
  for (const auto& [name, fact] : decision.inputs) {
    row.inputs.emplace_back(name, control::words(fact));
    add(row.facts, name, fact);
  }
  return row;
}

}  // namespace ebb::gateway
