// What of this machine a server's workers get, and what it is called there.
#pragma once

#include <filesystem>
#include <string>

#include "app/serve_options.h"
#include "control/state.h"

namespace ebb::app {

// Nobody else's on this machine: a home is one folder of one file system, whatever it is called, and has one server.
std::string container_ids_of(const std::filesystem::path& home);

control::NodeConfig node_of(const ServeOptions& options);

}  // namespace ebb::app
