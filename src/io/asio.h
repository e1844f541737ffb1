// The network library's coroutines under short names. Only files of io include Boost.Asio and Boost.Beast; the rest includes this.
//
// Rules that keep GCC 12's coroutines sound: bind what is awaited to a named local, no co_await inside a conditional expression or
// an initialiser list, no braced temporaries of aggregates that hold strings (they are copied bytewise: make them in plain functions),
// parameters by value, no capturing lambda as a coroutine that outlives its expression, no lock and no
// iterator across a co_await, and a deadline on every wait.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace ebb::io {

namespace asio = boost::asio;

// All that waits does so on the loop of its process: a type of its own for that spares the library a virtual call at each step of an operation.
using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
// What blocks, on a thread of a pool; awaited on the loop.
template <class T>
using PoolTask = asio::awaitable<T, asio::thread_pool::executor_type>;
inline constexpr asio::use_awaitable_t<Executor> use_awaitable{};
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using TcpAcceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using LocalSocket = asio::basic_stream_socket<asio::local::stream_protocol, Executor>;
using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using Signals = asio::basic_signal_set<Executor>;

using ErrorCode = boost::system::error_code;

}  // namespace ebb::io
