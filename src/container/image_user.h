// Who a container's process is, from the image's USER and the image's own /etc/passwd and /etc/group.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ebb::container {

struct ImageUser {
  uint32_t uid = 0, gid = 0;
  std::vector<uint32_t> groups;
};

// "", "name", "uid", "name:group", "uid:gid". As container engines read it: a number need not be in the files, a name must; without a group it is the
// user's own with all that have the user as a member. kNotFound: no such name. kInvalid: not made like this, or an id of 65536 and more.
Result<ImageUser> resolve_user(std::string_view user, std::string_view passwd, std::string_view group);

// The same with the files of an unpacked image. Links are followed within it only. Files that are not there are empty; kInvalid: too large, or
// no files. kIo, kNotFound: the root.
Result<ImageUser> find_user(const std::string& root, std::string_view user);

}  // namespace ebb::container
