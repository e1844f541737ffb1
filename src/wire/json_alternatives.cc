// Reads all texts of a schema at once: a front is what may stand at one place, and leads to the fronts of its members and items.
#include "wire/json_alternatives.h"

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ebb::wire {

namespace {

// A schema with more fronts than this is lost in its alternatives, however many stand in each.
constexpr size_t kFrontsMax = 10'000;
// Reading takes less than 20 ms.
constexpr size_t kStepsMax = 200'000;
constexpr int kReferencesMax = 64;

enum class Kind { kObject, kArray, kString, kNumber, kBoolean, kNull, kAny };

// One thing that may stand at a place.
struct Branch {
  const json::object* schema = nullptr;  // null: any value
  Kind kind = Kind::kAny;
  const json::value* literal = nullptr;  // exactly this value
  auto operator<=>(const Branch&) const = default;
};
using Front = std::vector<Branch>;

// The members of an object in the order in which the grammar has them: what is required, then what may be left out.
struct Members {
  std::vector<std::string_view> required;
  std::map<std::string_view, const json::value*> all;
  bool open = false;  // others may follow
  const json::value* others = nullptr;
};

Kind kind_of_literal(const json::value& value) {
  switch (value.kind()) {
    case json::kind::object: return Kind::kObject;
    case json::kind::array: return Kind::kArray;
    case json::kind::string: return Kind::kString;
    case json::kind::bool_: return Kind::kBoolean;
    case json::kind::null: return Kind::kNull;
    default: return Kind::kNumber;
  }
}

Kind kind_of_word(const json::value& type) {
  constexpr std::array kWords = std::to_array<std::pair<std::string_view, Kind>>({{"object", Kind::kObject},
                                                                                  {"array", Kind::kArray},
                                                                                  {"string", Kind::kString},
                                                                                  {"number", Kind::kNumber},
                                                                                  {"integer", Kind::kNumber},
                                                                                  {"boolean", Kind::kBoolean},
                                                                                  {"null", Kind::kNull}});
  const auto found = std::ranges::find(kWords, type.is_string() ? std::string_view(type.get_string()) : "", [](const auto& word) { return word.first; });
  return found == kWords.end() ? Kind::kAny : found->second;
}

Kind kind_without_type(const json::object& schema) {
  constexpr std::array kSigns = std::to_array<std::pair<std::string_view, Kind>>({{"properties", Kind::kObject},
                                                                                  {"additionalProperties", Kind::kObject},
                                                                                  {"allOf", Kind::kObject},
                                                                                  {"items", Kind::kArray},
                                                                                  {"prefixItems", Kind::kArray},
                                                                                  {"pattern", Kind::kString},
                                                                                  {"format", Kind::kString},
                                                                                  {"minLength", Kind::kString},
                                                                                  {"maxLength", Kind::kString}});
  for (const auto& [key, kind] : kSigns) {
    if (schema.contains(key)) return kind;
  }
  return Kind::kAny;
}

// Their texts differ before anything nests in them.
bool tell_apart(const Branch& a, const Branch& b) {
  if (a.kind == Kind::kAny || b.kind == Kind::kAny) return false;
  return a.kind != b.kind || (a.literal != nullptr && b.literal != nullptr && *a.literal != *b.literal);
}

class Reading {
 public:
  Reading(const json::value& root, size_t most) : root_(root), most_(most) {}

  std::optional<size_t> run() {
    add(branches_of(&root_));
    while (!waiting_.empty() && !lost_) {
      const Front front = std::move(waiting_.front());
      waiting_.pop_front();
      read_objects(of_kind(front, Kind::kObject));
      read_arrays(of_kind(front, Kind::kArray));
    }
    return lost_ ? std::nullopt : std::optional(found_);
  }

 private:
  static Front of_kind(const Front& front, Kind kind) {
    Front out;
    std::ranges::copy_if(front, std::back_inserter(out), [kind](const Branch& one) { return one.kind == kind && one.literal == nullptr; });
    return out;
  }

  // Only what begins alike stands in a grammar's way; fixed values lead nowhere.
  void add(Front front) {
    for (const Kind kind : {Kind::kObject, Kind::kArray}) {
      Front alike = of_kind(front, kind);
      const Front any = of_kind(front, Kind::kAny);
      const size_t at_once = alike.size() + any.size();
      found_ = std::max(found_, at_once);
      if (at_once > most_) lost_ = true;
      std::ranges::sort(alike);
      if (alike.empty() || lost_ || !seen_.insert(alike).second) continue;
      if (seen_.size() > kFrontsMax) lost_ = true;
      waiting_.push_back(std::move(alike));
    }
  }

  void read_arrays(const Front& arrays) {
    if (arrays.empty()) return;
    size_t places = 1;
    for (const Branch& array : arrays) {
      const json::value* prefix = array.schema->if_contains("prefixItems");
      if (prefix != nullptr && prefix->is_array()) places = std::max(places, prefix->get_array().size() + 1);
    }
    for (size_t place = 0; place < places; ++place) {
      Front front;
      for (const Branch& array : arrays)
        std::ranges::copy(branches_of(item_at(*array.schema, place)), std::back_inserter(front));
      add(std::move(front));
    }
  }

  static const json::value* item_at(const json::object& array, size_t place) {
    for (const std::string_view key : {"prefixItems", "items"}) {
      const json::value* items = array.if_contains(key);
      if (items == nullptr) continue;
      if (!items->is_array()) return items;
      if (place < items->get_array().size()) return &items->get_array()[place];
    }
    return nullptr;
  }

  // For each member of each object: what may stand there in it, and in those that the text cannot be told from by then.
  void read_objects(const Front& objects) {
    for (const Branch& object : objects) {
      const Members& members = members_of(object.schema);
      for (const auto& [name, value] : members.all)
        add(front_at(objects, object, name, value));
      if (members.others != nullptr) add(front_at(objects, object, {}, members.others));
    }
  }

  // An empty name: of a member that is not described by name.
  Front front_at(const Front& objects, const Branch& object, std::string_view name, const json::value* value) {
    Front front = branches_of(value);
    bool itself = true;
    for (const Branch& other : objects) {
      if (lost_) return {};
      if (itself && other == object) {
        itself = false;
        continue;
      }
      if (!alive_at(*object.schema, *other.schema, name)) continue;
      const Members& members = members_of(other.schema);
      const auto found = members.all.find(name);
      std::ranges::copy(branches_of(found != members.all.end() ? found->second : members.others), std::back_inserter(front));
    }
    return front;
  }

  // Whether a text of `a` may be one of `b` as well when the member begins.
  bool alive_at(const json::object& a, const json::object& b, std::string_view name) {
    const Members& one = members_of(&a);
    const Members& other = members_of(&b);
    for (size_t i = 0;; ++i) {
      if (++steps_ > kStepsMax) lost_ = true;
      const bool one_has = i < one.required.size();
      const bool other_has = i < other.required.size();
      const bool one_here = one_has && one.required[i] == name;
      if (one_here) return other_has ? other.required[i] == name : may_follow(other, name);
      if (!one_has && !other_has) return may_follow(other, name);
      if (!one_has) return other.required[i] == name;
      if (!other_has) return may_follow(other, one.required[i]);  // it may go on with what it need not have
      if (one.required[i] != other.required[i]) return false;
      if (all_differ(one.all.at(one.required[i]), other.all.at(other.required[i]))) return false;
    }
  }

  static bool may_follow(const Members& members, std::string_view name) { return members.open || members.all.contains(name); }

  bool all_differ(const json::value* a, const json::value* b) {
    const Front& of_b = branches_of(b);
    return std::ranges::all_of(
        branches_of(a), [&of_b](const Branch& one) { return std::ranges::all_of(of_b, [&one](const Branch& other) { return tell_apart(one, other); }); });
  }

  const Members& members_of(const json::object* schema) {
    const auto [known, is_new] = members_.try_emplace(schema);
    if (is_new) {
      std::set<const json::object*> passed;
      collect(schema, known->second, passed);
    }
    return known->second;
  }

  void collect(const json::object* schema, Members& members, std::set<const json::object*>& passed) {
    schema = follow(schema);
    if (schema == nullptr || !passed.insert(schema).second) return;
    for (const std::string_view key : {"allOf", "anyOf", "oneOf"}) {
      const json::value* list = schema->if_contains(key);
      if (list == nullptr || !list->is_array()) continue;
      for (const json::value& one : list->get_array())
        collect(one.if_object(), members, passed);
    }
    const json::value* properties = schema->if_contains("properties");
    const json::value* required = schema->if_contains("required");
    if (properties != nullptr && properties->is_object()) {
      for (const auto& member : properties->get_object()) {
        members.all[member.key()] = &member.value();
        const auto is_it = [&member](const json::value& one) { return one.is_string() && one.get_string() == member.key(); };
        if (required != nullptr && required->is_array() && std::ranges::any_of(required->get_array(), is_it)) members.required.emplace_back(member.key());
      }
    }
    const json::value* others = schema->if_contains("additionalProperties");
    if (others != nullptr && !(others->is_bool() && !others->get_bool())) {
      members.open = true;
      members.others = others;
    }
  }

  const Front& branches_of(const json::value* value) {
    static const Front kAnything{{}};
    if (value == nullptr || !value->is_object()) return kAnything;
    const auto [known, is_new] = branches_.try_emplace(value);
    if (is_new) {
      std::set<const json::object*> passed;
      resolve(&value->get_object(), passed, known->second);
    }
    return known->second;
  }

  // References and unions resolved. A union that holds itself adds nothing.
  void resolve(const json::object* schema, const std::set<const json::object*>& outer, Front& out) {
    schema = follow(schema);
    if (schema == nullptr) return out.push_back({});
    if (outer.contains(schema) || lost_) return;
    if (const json::value* value = schema->if_contains("const")) return out.push_back({.schema = schema, .kind = kind_of_literal(*value), .literal = value});
    if (const json::value* values = schema->if_contains("enum"); values != nullptr && values->is_array()) {
      for (const json::value& value : values->get_array())
        out.push_back({.schema = schema, .kind = kind_of_literal(value), .literal = &value});
      return;
    }
    std::set<const json::object*> inner = outer;
    inner.insert(schema);
    bool is_union = false;
    for (const std::string_view key : {"anyOf", "oneOf"}) {
      const json::value* list = schema->if_contains(key);
      if (list == nullptr || !list->is_array()) continue;
      is_union = true;
      for (const json::value& one : list->get_array()) {
        if (one.is_object()) resolve(&one.get_object(), inner, out);
        if (out.size() > kFrontsMax) lost_ = true;
      }
    }
    if (is_union) return;
    const json::value* type = schema->if_contains("type");
    if (type == nullptr) return out.push_back({.schema = schema, .kind = kind_without_type(*schema)});
    if (!type->is_array()) return out.push_back({.schema = schema, .kind = kind_of_word(*type)});
    for (const json::value& one : type->get_array())
      out.push_back({.schema = schema, .kind = kind_of_word(one)});
  }

  // Null: it leads nowhere.
  const json::object* follow(const json::object* schema) const {
    for (int i = 0; schema != nullptr && schema->contains("$ref"); ++i) {
      const json::value& reference = schema->at("$ref");
      if (i == kReferencesMax || !reference.is_string() || !reference.get_string().starts_with('#')) return nullptr;
      std::string_view path = reference.get_string();
      path.remove_prefix(1);
      boost::system::error_code error;
      const json::value* target = root_.find_pointer(path == "/" ? "" : path, error);
      schema = target == nullptr ? nullptr : target->if_object();
    }
    return schema;
  }

  const json::value& root_;
  size_t most_;
  size_t found_ = 1;
  size_t steps_ = 0;
  bool lost_ = false;
  std::deque<Front> waiting_;
  std::set<Front> seen_;
  std::map<const json::value*, Front> branches_;
  std::map<const json::object*, Members> members_;
};

}  // namespace

std::optional<size_t> alternatives_at_once(const json::value& schema, size_t most) { return Reading(schema, most).run(); }

}  // namespace ebb::wire
