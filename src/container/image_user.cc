// Lines of colons, made by a stranger: what is not made like one is passed over.
#include "container/image_user.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "container/image_files.h"

namespace ebb::container {

namespace {

constexpr size_t kFileBytesMax = size_t{1} << 20U;
constexpr size_t kGroupsMax = 64;
constexpr uint32_t kIds = 65'536;

std::optional<uint32_t> number(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value >= kIds) return std::nullopt;
  return value;
}

bool is_digits(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

// name:password:uid:gid:… and name:password:gid:members, by their first four fields; empty where there are fewer.
using Fields = std::array<std::string_view, 4>;

template <class Each>  // true: go on
void for_each_line(std::string_view text, Each each) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    Fields fields;
    size_t count = 0;
    for (; count < fields.size(); ++count) {
      const size_t colon = std::min(line.find(':'), line.size());
      fields[count] = line.substr(0, colon);
      line.remove_prefix(std::min(colon + 1, line.size()));
    }
    if (!fields[0].empty() && fields[0].front() != '#' && !each(fields)) return;
  }
}

struct Account {
  std::string_view name;
  uint32_t uid = 0, gid = 0;
};

// By name, or by number where nobody has it as a name.
std::optional<Account> find_account(std::string_view passwd, std::string_view wanted) {
  std::optional<Account> by_name;
  std::optional<Account> by_number;
  for_each_line(passwd, [&](const Fields& fields) {
    const std::optional<uint32_t> uid = number(fields[2]);
    const std::optional<uint32_t> gid = number(fields[3]);
    if (!uid || !gid) return true;
    const Account account{.name = fields[0], .uid = *uid, .gid = *gid};
    if (account.name == wanted) by_name = account;
    if (!by_number && number(wanted) == uid) by_number = account;
    return !by_name;
  });
  return by_name ? by_name : by_number;
}

std::optional<uint32_t> find_group(std::string_view group, std::string_view wanted) {
  std::optional<uint32_t> found;
  for_each_line(group, [&](const Fields& fields) {
    if (fields[0] == wanted) found = number(fields[2]);
    return !found;
  });
  return found;
}

bool is_member(std::string_view members, std::string_view name) {
  while (!members.empty()) {
    const size_t comma = std::min(members.find(','), members.size());
    if (members.substr(0, comma) == name) return true;
    members.remove_prefix(std::min(comma + 1, members.size()));
  }
  return false;
}

std::vector<uint32_t> groups_of(std::string_view group, const Account& account) {
  std::vector<uint32_t> groups;
  for_each_line(group, [&](const Fields& fields) {
    const std::optional<uint32_t> gid = number(fields[2]);
    if (gid && *gid != account.gid && is_member(fields[3], account.name) && std::find(groups.begin(), groups.end(), *gid) == groups.end())
      groups.push_back(*gid);
    return groups.size() < kGroupsMax;
  });
  return groups;
}

Error too_large(std::string_view what) {
  return {.kind = ErrorKind::kInvalid, .message = fmt::format("the image's USER: '{}' is no id below {}", what, kIds), .param = "user"};
}

}  // namespace

Result<ImageUser> resolve_user(std::string_view user, std::string_view passwd, std::string_view group) {
  const size_t colon = std::min(user.find(':'), user.size());
  const std::string_view name = user.substr(0, colon).empty() ? "0" : user.substr(0, colon);
  const std::string_view group_name = colon < user.size() ? user.substr(colon + 1) : std::string_view();
  ImageUser found;
  const std::optional<Account> account = find_account(passwd, name);
  if (account) {
    found.uid = account->uid;
    found.gid = account->gid;
  } else if (!is_digits(name)) {
    return fail(ErrorKind::kNotFound, fmt::format("the image's USER: there is no '{}' in its /etc/passwd", name), "user");
  } else if (const std::optional<uint32_t> uid = number(name)) {
    found.uid = *uid;
  } else {
    return fail(too_large(name));
  }
  if (group_name.empty()) {
    if (account) found.groups = groups_of(group, *account);
    return found;
  }
  if (const std::optional<uint32_t> by_name = find_group(group, group_name)) {
    found.gid = *by_name;
  } else if (!is_digits(group_name)) {
    return fail(ErrorKind::kNotFound, fmt::format("the image's USER: there is no group '{}' in its /etc/group", group_name), "user");
  } else if (const std::optional<uint32_t> gid = number(group_name)) {
    found.gid = *gid;
  } else {
    return fail(too_large(group_name));
  }
  return found;
}

Result<ImageUser> find_user(const std::string& root, std::string_view user) {
  const Result<ImageFiles> files = ImageFiles::open(root);
  if (!files) return fail(files.error());
  const Result<std::optional<std::string>> passwd = files->read("/etc/passwd", kFileBytesMax);
  if (!passwd) return fail(passwd.error());
  const Result<std::optional<std::string>> group = files->read("/etc/group", kFileBytesMax);
  if (!group) return fail(group.error());
  return resolve_user(user, passwd->value_or(""), group->value_or(""));
}

}  // namespace ebb::container
