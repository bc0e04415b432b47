#include "summarize.hpp"

#include <algorithm>
#include <map>

#include "json.hpp"

namespace fitmap {
namespace {

constexpr std::int64_t most_orders = 10'000;
constexpr std::int64_t most_quantity = 1'000'000;
constexpr std::int64_t most_price_cents = 100'000'000;

// Ordered by bytes of UTF-8, which is the order of code points. No hash maps: names come from the request, and may be
// chosen to collide.
struct Region {
  RegionSummary summary;
  std::map<std::string_view, std::int64_t> customers;
};

void add(std::map<std::string_view, Region>& regions, json::Element order) {
  const auto [customer, region, lines] = json::members<3>(order, {"customer", "region", "lines"});
  auto& at = regions[json::text(region)];
  // No overflow: a body of 1 MiB holds fewer than 30,000 lines of at most 10^14 each.
  std::int64_t revenue = 0;
  for (const auto line : json::array(lines)) {
    const auto [sku, quantity, price_cents] = json::members<3>(line, {"sku", "quantity", "price_cents"});
    json::text(sku);
    const auto pieces = json::integer(quantity, 1, most_quantity);
    at.summary.quantity += pieces;
    revenue += pieces * json::integer(price_cents, 0, most_price_cents);
  }
  ++at.summary.orders;
  at.summary.revenue_cents += revenue;
  at.customers[json::text(customer)] += revenue;
}

}  // namespace

Summary summarize(const std::string& body) {
  const auto [orders] = json::members<1>(json::parse(body), {"orders"});
  std::map<std::string_view, Region> regions;
  Summary summary;
  for (const auto order : json::array(orders)) {
    if (++summary.orders > most_orders) throw bad_request("there are more than 10000 orders");
    add(regions, order);
  }
  for (auto& [name, region] : regions) {
    region.summary.region = name;
    // The first of equals has the smallest name.
    region.summary.top_customer =
        std::ranges::max_element(region.customers, {}, [](const auto& entry) { return entry.second; })->first;
    summary.regions.push_back(region.summary);
  }
  std::ranges::stable_sort(summary.regions, std::greater{}, &RegionSummary::revenue_cents);
  return summary;
}

}  // namespace fitmap
