// The settings of `ebb serve`: command line over <home>/ebb.yaml over defaults.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/price_list.h"

namespace ebb::app {

struct ServeOptions {
  std::filesystem::path home;         // absolute
  std::string listen = "127.0.0.1";   // beyond loopback only with keys, and TLS or a proxy that has it
  uint16_t port = 8390;               // 0: any free one
  std::optional<uint16_t> grpc_port;  // of the inference protocol over gRPC; absent: it is not spoken
  std::filesystem::path tls_cert;     // both, or neither: plain
  std::filesystem::path tls_key;
  bool behind_proxy = false;          // a reverse proxy ends TLS before it
  std::optional<int64_t> memory_mib;  // for workers; absent: nine tenths of what the machine (or our cgroup) has
  std::optional<int> cores;           // for engines; absent: all that this process may use
  bool require_sandbox = false;
  bool log_json = false;
  bool log_debug = false;
  std::string port_file;     // written with the port once the listener is up; empty: none
  domain::PriceList prices;  // version 0: until a list is set
};

// EBB_HOME, else $XDG_DATA_HOME/ebb, else ~/.local/share/ebb.
std::filesystem::path default_home();

// Settings of a file that may hold listen, port, grpc_port, tls{cert, key}, behind_proxy, memory, cores, prices{currency, per_mib_ms, per_call}; files from
// `options.home`, prices in units of the currency ("0.0000002"), at most twelve digits after the point. Unknown keys are refused by name. Pure.
Status apply_settings(std::string_view yaml, ServeOptions& options);

}  // namespace ebb::app
