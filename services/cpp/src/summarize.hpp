// POST /cpu/summarize.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fitmap {

struct RegionSummary {
  std::string_view region;
  std::int64_t orders = 0;
  std::int64_t quantity = 0;
  std::int64_t revenue_cents = 0;
  std::string_view top_customer;
};
BOOST_DESCRIBE_STRUCT(RegionSummary, (), (region, orders, quantity, revenue_cents, top_customer))

struct Summary {
  std::int64_t orders = 0;
  std::vector<RegionSummary> regions;
};
BOOST_DESCRIBE_STRUCT(Summary, (), (orders, regions))

// The names in it last until the next body is parsed on this thread. Throws Failure.
Summary summarize(const std::string& body);

}  // namespace fitmap
