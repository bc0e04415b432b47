// Asio's types for coroutines on one io_context per thread. They name its executor, where Asio's defaults erase the type.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace fitmap {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
template <class T = void>
using Task = asio::awaitable<T, Executor>;
using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

// The result of `co_await`: an exception for an error, or a tuple whose first part is the error.
inline constexpr asio::use_awaitable_t<Executor> awaiting;
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> with_error{awaiting};

}  // namespace fitmap
