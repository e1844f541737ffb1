// What every request passes between the wire and its handler, as plain functions in the order in which they are applied:
// id and trace → host → origin → Ebb's own headers → route. Sizes and times are the connection's. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "gateway/errors.h"

namespace ebb::gateway {

// Loopback addresses and names as a Host header may have them, with or without a port. Keeps a page that rebinds its own name to
// 127.0.0.1 from talking to us: it can only send its own name.
bool is_loopback_host(std::string_view host);

std::optional<Refusal> check_host(std::string_view host);

// Browsers name the page that sends; only pages of this machine may, and those that come from `own_host`, the request's own Host header, if it is given.
// Absent for everything that is not a browser.
std::optional<Refusal> check_origin(std::string_view origin, std::string_view own_host = {});

// What only its operator may do with the server: no page may, whoever's it is. Browsers say whether one sent the request (Fetch Metadata, W3C), older
// ones at least where it came from; either is empty where the request does not say it.
std::optional<Refusal> check_page(std::string_view origin, std::string_view sec_fetch_site);

// Ebb-Deadline: "2s". Error: kInvalid with param "Ebb-Deadline".
Result<milliseconds> parse_deadline(std::string_view value);

// Ebb-Keep-Alive: "10s", from 1 s to kKeepAliveMax. Error: kInvalid with param "Ebb-Keep-Alive".
Result<milliseconds> parse_keep_alive(std::string_view value);

// Headers that begin with "Ebb-" ask for something: one that is not honoured is refused by name.
std::optional<Refusal> check_own_header(std::string_view name);

}  // namespace ebb::gateway
