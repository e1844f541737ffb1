// A function as its owner wrote it (FunctionSpec), and as it was found when it was deployed (Function).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/azure_app.h"
#include "domain/egress.h"
#include "domain/function.h"
#include "domain/image.h"
#include "domain/model.h"

namespace ebb::domain {

// A stored model as a read-only file inside.
struct ModelMount {
  ModelRef model;
  std::string path;  // absolute
  bool operator==(const ModelMount&) const = default;
};

struct FunctionSpec {
  ImageRef image;
  std::optional<Contract> contract;  // absent: as the image says
  std::optional<int> concurrency;    // calls at once in one instance; absent: the contract's
  std::optional<int> port;           // absent: the contract's
  std::string health;                // path that gives 200 when it is ready; empty: by the contract
  std::string path;                  // where calls go that name no path; empty: by the contract
  std::vector<std::string> command;  // instead of the image's entrypoint and cmd
  std::map<std::string, std::string> env;
  std::vector<ModelMount> mounts;
  int64_t tmp_mib = 512;              // of /tmp, in memory
  std::optional<double> cpu;          // cores; absent: all
  std::optional<Egress> egress;       // absent: no way out
  std::optional<milliseconds> start;  // longest start; absent: the contract's
  bool operator==(const FunctionSpec&) const = default;
};

// Who its process is inside.
struct FunctionUser {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;
  bool operator==(const FunctionUser&) const = default;
};

struct Function {
  Image image;
  Contract contract = Contract::kCloudRun;
  FunctionUser user;
  std::vector<std::pair<Model, std::string>> mounts;  // and where
  std::optional<AzureApp> azure;                      // kAzure, where the image has a host.json
  bool operator==(const Function&) const = default;
};

inline constexpr int64_t kFunctionMemoryMib = 256;
inline constexpr int64_t kFunctionMemoryMibMin = 16;
inline constexpr int64_t kFunctionTmpMibMax = 10'240;
inline constexpr size_t kFunctionEnvMax = 256;
inline constexpr int kFunctionPids = 1'024;

// An absolute path without "." and "..", no doubled slashes, at most 1,000 printable bytes.
bool is_inside_path(std::string_view path);

}  // namespace ebb::domain
