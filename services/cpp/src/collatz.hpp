// GET /cpu/collatz.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>

#include "asio.hpp"

namespace fitmap {

struct Collatz {
  std::int64_t from;
  std::int64_t count;
  std::int64_t longest_start;
  std::int64_t longest_steps;
  std::int64_t total_steps;

  bool operator==(const Collatz&) const = default;
};
BOOST_DESCRIBE_STRUCT(Collatz, (), (from, count, longest_start, longest_steps, total_steps))

Task<Collatz> walk_collatz(std::int64_t from, std::int64_t count);

}  // namespace fitmap
