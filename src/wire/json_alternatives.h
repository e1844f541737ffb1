// How many alternatives of a schema a grammar must follow at once. Pure.
//
// A grammar that may go on in several ways keeps all of them until the text tells them apart. Alternatives that begin alike and nest multiply: two
// arrays of two arrays of … double with each bracket, and the engine is lost in them. Schemas of people tell their alternatives apart early: by
// the kind of value, or by a property with a fixed value that stands first.
#pragma once

#include <cstddef>
#include <optional>

#include "base/json.h"

namespace ebb::wire {

// The most that any text of this schema makes a grammar follow at once; nullopt: more than `most`, or without bound. `schema` is bounded in size
// and depth; references are followed within it.
std::optional<size_t> alternatives_at_once(const json::value& schema, size_t most);

}  // namespace ebb::wire
