// Segment by segment, as Azure's host compares them: letters of either case are the same.
#include "function/azure_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/url/pct_string_view.hpp>
#include <optional>

#include "wire/passed_headers.h"

namespace ebb::function {

namespace {

using domain::AzureRoute;
using Params = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kToldMax = 8;

// Takes the first segment off a path without a '/' at its start.
std::string_view take_segment(std::string_view& path) {
  const size_t slash = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, slash);
  path.remove_prefix(std::min(slash + 1, path.size()));
  return segment;
}

std::string decoded(std::string_view text) {
  const auto view = boost::urls::make_pct_string_view({text.data(), text.size()});
  return view ? view->decode() : std::string(text);
}

// What one segment of a template stands for.
struct Segment {
  std::string name;  // of the parameter; empty: the segment's own text
  bool rest = false, optional = false;
};
Segment segment_of(std::string_view text) {
  if (!text.starts_with('{')) return {};
  std::string_view inner = text.substr(1, text.size() - 2);
  Segment segment{.name = {}, .rest = inner.starts_with('*'), .optional = inner.ends_with('?')};
  while (inner.starts_with('*'))
    inner.remove_prefix(1);
  segment.name = inner.substr(0, inner.find_first_of(":?="));
  return segment;
}

// How many literals fit before the first parameter: more of them is the better fit. nullopt: it does not fit.
std::optional<int> fits(std::string_view route, std::string_view path, Params& params) {
  int literals = 0;
  while (!route.empty()) {
    const std::string_view text = take_segment(route);
    const Segment segment = segment_of(text);
    if (segment.rest) {
      params.emplace_back(segment.name, decoded(path));
      return literals;
    }
    if (path.empty()) {
      if (!segment.optional) return std::nullopt;
      continue;
    }
    const std::string_view asked = take_segment(path);
    if (segment.name.empty() && !wire::same_name(text, asked)) return std::nullopt;
    if (segment.name.empty()) ++literals;
    if (!segment.name.empty()) params.emplace_back(segment.name, decoded(asked));
  }
  return path.empty() ? std::optional<int>(literals) : std::nullopt;
}

bool takes(const AzureRoute& route, std::string_view method) {
  return route.methods.empty() || std::ranges::find(route.methods, method) != route.methods.end();
}

std::string whole_path(std::string_view prefix, std::string_view path) {
  return prefix.empty() ? fmt::format("/{}", path) : fmt::format("/{}/{}", prefix, path);
}

std::unexpected<Error> no_such(const domain::FunctionStart& start, std::string_view method, std::string_view path) {
  std::string known;
  for (const AzureRoute& route : start.routes) {
    if (&route == &start.routes[std::min(kToldMax, start.routes.size() - 1)] && start.routes.size() > kToldMax) break;
    known += (known.empty() ? "" : ", ") + whole_path(start.route_prefix, route.path);
  }
  return fail(Error{.kind = ErrorKind::kNotFound,
                    .message = fmt::format("the app has no function for {} {}: it has {}", method, path.substr(0, 200), known),
                    .param = "path",
                    .code = "no_such_function"});
}

AzureTarget target_of(const AzureRoute& route, std::string path, std::string_view query, Params params) {
  return {.function = route.function,
          .path = std::move(path),
          .query = std::string(query),
          .params = std::move(params),
          .input = route.input,
          .output = route.output};
}

const AzureRoute* by_name(const domain::FunctionStart& start, std::string_view name) {
  const auto found = std::ranges::find_if(start.routes, [&](const AzureRoute& route) { return wire::same_name(route.function, name); });
  return found == start.routes.end() ? nullptr : &*found;
}

// Under the prefix, without '/' at either end; nullopt: elsewhere.
std::optional<std::string_view> under_prefix(std::string_view prefix, std::string_view path) {
  path.remove_prefix(1);
  while (path.ends_with('/'))
    path.remove_suffix(1);
  if (prefix.empty()) return path;
  if (path.size() < prefix.size() || !wire::same_name(path.substr(0, prefix.size()), prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  if (path.starts_with('/')) return path.substr(1);
  return path.empty() ? std::optional(path) : std::nullopt;
}

// Of an app that says nothing of its functions.
AzureTarget any_function(const domain::FunctionStart& start, std::string_view path, std::string_view query) {
  const std::string_view named = under_prefix(start.route_prefix, path).value_or(path.substr(1));
  const std::string own = start.call_path.empty() ? start.name : start.call_path.substr(1);
  AzureTarget target{.function = path == "/" ? own : std::string(named), .path = std::string(path), .query = std::string(query)};
  if (path == "/") target.path = whole_path(start.route_prefix, own);
  return target;
}

}  // namespace

Result<AzureTarget> azure_target(const domain::FunctionStart& start, std::string_view method, std::string_view target) {
  const size_t mark = std::min(target.find('?'), target.size());
  const std::string_view query = target.substr(std::min(mark + 1, target.size()));
  const std::string_view path = target.substr(0, mark);
  if (start.routes.empty()) return any_function(start, path, query);
  const AzureRoute* named = nullptr;
  if (path == "/") {
    named = by_name(start, start.call_path.empty() ? std::string_view(start.name) : std::string_view(start.call_path).substr(1));
    if (named == nullptr && start.routes.size() == 1) named = &start.routes.front();
  } else {
    named = by_name(start, path.substr(1));
  }
  const AzureRoute* best = nullptr;
  int best_literals = -1;
  Params best_params;
  const std::optional<std::string_view> asked = under_prefix(start.route_prefix, path);
  for (const AzureRoute& route : start.routes) {
    Params params;
    const std::optional<int> literals = asked && takes(route, method) ? fits(route.path, *asked, params) : std::nullopt;
    if (!literals || *literals <= best_literals) continue;
    best = &route;
    best_literals = *literals;
    best_params = std::move(params);
  }
  if (best != nullptr) return target_of(*best, std::string(path), query, std::move(best_params));
  if (named != nullptr && takes(*named, method)) return target_of(*named, whole_path(start.route_prefix, named->path), query, {});
  return no_such(start, method, path);
}

}  // namespace ebb::function
