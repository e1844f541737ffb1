// One trace under several policies, in the form in which people read it: JSON, and a page with two pictures.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "domain/price_presets.h"
#include "plan/outcome.h"

namespace ebb::plan {

struct Report {
  std::string trace;  // its file
  std::string layout;
  size_t functions = 0;
  double hours = 0;
  World world;
  double memory_price = 0;       // USD for a GiB held for an hour
  std::vector<Outcome> ebb;      // the policy as it is, then with less and more worth of a wait; under a cap, last: kept while there is room
  std::vector<Outcome> fixed;    // from short to long times of keeping
  std::vector<Outcome> knative;  // from short to long stable windows
  std::vector<Outcome> others;   // always on, least recently used
};

// Three digits that matter.
std::string figure(double value);
double gib_hours(const Outcome& outcome);  // held, busy or not
double memory_cost(const Report& report, const Outcome& outcome);
double cloud_cost(const domain::CloudPrice& price, const Outcome& outcome);  // USD

// What of an outcome is compared.
using Amount = double (*)(const Outcome&);
double cold_of(const Outcome& outcome);
double idle_of(const Outcome& outcome);       // memory, GiB × minutes
double instances_of(const Outcome& outcome);  // × seconds

// Where the curve of one policy's settings has this `x`, by a straight line between the two settings nearest to it; nullopt: it has it nowhere.
std::optional<double> on_curve(const std::vector<Outcome>& curve, Amount x, double at, Amount y);

// What follows from the figures, in sentences.
std::vector<std::string> findings(const Report& report);

boost::json::object to_json(const Report& report);
std::string to_html(const Report& report);

}  // namespace ebb::plan
