// HTTP/1.1 by Boost.Beast, for the listener.
#pragma once

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "io/asio.h"

namespace ebb::io {

namespace beast = boost::beast;
namespace http = boost::beast::http;

}  // namespace ebb::io
