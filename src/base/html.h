// Text within pages.
#pragma once

#include <string>
#include <string_view>

namespace ebb {

// As it is shown, whatever stands in it: between tags, and in attributes within either quotes.
std::string html_escaped(std::string_view text);

// A sentence as it is written for terminals: what stands between two backticks is code.
std::string html_sentence(std::string_view text);

}  // namespace ebb
