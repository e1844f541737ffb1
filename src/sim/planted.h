// Bugs on purpose, between the core and the node: each falsifies what the core is told or what it says, as a real bug of the core would. A simulation
// that does not find them finds nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "sim/node.h"

namespace ebb::sim {

struct PlantedName {
  std::string_view name;
  std::string_view what;
};
std::span<const PlantedName> planted_names();

// Null for a name that there is not. One for each run: some strike only now and then.
std::unique_ptr<Stepper> make_planted(std::string_view name);

}  // namespace ebb::sim
