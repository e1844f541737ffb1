// What models and images have in common as things with names and versions: which one is meant, which number comes next, which may go.
// `Thing` has a name, a version and a digest; lists are ordered by name and version. `word` is "model" or "image", for errors and their param.
// Pure.
#pragma once

#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "domain/model.h"

namespace ebb::registry {

template <class Thing>
auto version_order(const Thing& thing) {
  return std::tie(thing.name, thing.version);
}

template <class Thing, class Ref>
bool is_meant(const Thing& thing, const Ref& ref) {
  return thing.name == ref.name && (!ref.version || *ref.version == thing.version);
}

// kNotFound, with what can be done. `ref`: as it was asked for.
Error no_such_version(std::string_view word, const std::string& ref, bool name_exists);
// kExists: it stays. `version`: "smol@3".
Error version_is_used(std::string_view word, const std::string& version, const std::string& endpoint);

// The version that was asked for, or the newest of the name.
template <class Thing, class Ref>
Result<Thing> resolve_version(const std::vector<Thing>& all, const Ref& ref, std::string_view word) {
  const auto found = std::ranges::find_if(all.rbegin(), all.rend(), [&](const Thing& thing) { return is_meant(thing, ref); });
  if (found == all.rend()) return fail(no_such_version(word, to_string(ref), std::ranges::find(all, ref.name, &Thing::name) != all.end()));
  return *found;
}

// What comes of adding this content under this name.
template <class Thing>
struct NextVersion {
  const Thing* same = nullptr;  // the version that has the content already; goes with the list's next change
  int64_t number = 1;           // else the one that it gets
};
template <class Thing>
NextVersion<Thing> next_version(const std::vector<Thing>& all, const std::string& name, const domain::Digest& digest) {
  NextVersion<Thing> next;
  for (const Thing& thing : all) {
    if (thing.name != name) continue;
    if (thing.digest == digest) return {.same = &thing, .number = thing.version};
    next.number = thing.version + 1;
  }
  return next;
}

template <class Thing>
void insert_version(std::vector<Thing>& all, const Thing& thing) {
  all.insert(std::ranges::upper_bound(all, version_order(thing), {}, version_order<Thing>), thing);
}

// The version that was asked for, or all of the name, if none of them is used. `used_by` names an endpoint that needs one, or is empty.
template <class Thing, class Ref>
Result<std::vector<Thing>> removable_versions(const std::vector<Thing>& all, const Ref& ref, const std::function<std::string(const Thing&)>& used_by,
                                              std::string_view word) {
  std::vector<Thing> chosen;
  std::ranges::copy_if(all, std::back_inserter(chosen), [&](const Thing& thing) { return is_meant(thing, ref); });
  if (chosen.empty()) return fail(no_such_version(word, to_string(ref), std::ranges::find(all, ref.name, &Thing::name) != all.end()));
  for (const Thing& thing : chosen) {
    const std::string endpoint = used_by ? used_by(thing) : "";
    if (!endpoint.empty()) return fail(version_is_used(word, thing.name + "@" + std::to_string(thing.version), endpoint));
  }
  return chosen;
}

}  // namespace ebb::registry
