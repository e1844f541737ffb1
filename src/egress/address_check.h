// Whether a connection may be made to what a name was resolved to.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "io/asio.h"

namespace ebb::egress {

// nullopt: yes, to each of them; else why not, as a clause. One address that is not public refuses all: whoever mixes them wants to be led astray.
// `own`: of this machine. Pure.
std::optional<std::string> refusal_of(std::span<const io::asio::ip::tcp::endpoint> resolved, std::span<const io::asio::ip::address> own);

}  // namespace ebb::egress
