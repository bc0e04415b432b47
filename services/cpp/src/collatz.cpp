#include "collatz.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace fitmap {
namespace {

// After so many walks (about 0.1 ms) the thread looks after its other connections; the longest request would keep them
// waiting for some 15 ms.
constexpr std::int64_t slice = 1000;

std::int64_t steps_of(std::int64_t start) {
  std::int64_t steps = 0;
  for (auto n = static_cast<std::uint64_t>(start); n != 1; ++steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
  return steps;
}

}  // namespace

Task<Collatz> walk_collatz(std::int64_t from, std::int64_t count) {
  Collatz walk{.from = from, .count = count, .longest_start = from, .longest_steps = 0, .total_steps = 0};
  const auto end = from + count;
  for (auto start = from;;) {
    for (const auto stop = std::min(end, start + slice); start < stop; ++start) {
      const auto steps = steps_of(start);
      walk.total_steps += steps;
      if (steps > walk.longest_steps) {
        walk.longest_steps = steps;
        walk.longest_start = start;
      }
    }
    if (start == end) co_return walk;
    co_await asio::post(awaiting);
  }
}

}  // namespace fitmap
