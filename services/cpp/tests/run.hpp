#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>

#include "asio.hpp"

// The result of a coroutine, or its exception; and whatever else is spawned on the loop runs to its end.
template <class T>
T run(fitmap::asio::io_context& context, fitmap::Task<T> task) {
  std::optional<T> result;
  std::exception_ptr failure;
  fitmap::asio::co_spawn(context, std::move(task), [&](std::exception_ptr error, T value) {
    failure = error;
    result.emplace(std::move(value));
  });
  context.restart();
  context.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(result.value());
}
