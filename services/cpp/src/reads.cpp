#include "failure.hpp"
#include "shop.hpp"

namespace fitmap {
namespace {

Product first_product(const Rows& rows) {
  if (rows.size() == 0) throw not_found("there is no such product");
  return {rows.int32(0, 0), std::string(rows.text(0, 1)), rows.int32(0, 2), rows.int32(0, 3)};
}

}  // namespace

Task<Product> product(Connection& database, std::int32_t id) {
  co_return first_product(co_await database.execute(sql::product, id));
}

Task<Product> product_slow(Connection& database, std::int32_t id, std::int32_t milliseconds) {
  co_return first_product(co_await database.execute(sql::product_slow, id, milliseconds));
}

Task<CustomerOrders> customer_orders(Connection& database, std::int32_t id, std::int32_t limit) {
  const auto rows = co_await database.execute(sql::customer_orders, id, limit);
  if (rows.size() == 0) throw not_found("there is no such customer");
  CustomerOrders found{{rows.int32(0, 0), std::string(rows.text(0, 1)), std::string(rows.text(0, 2))}, {}};
  for (int row = 0; row < rows.size(); ++row) {
    // A customer without orders is one row without an order.
    if (rows.is_null(row, 3)) continue;
    found.orders.emplace_back(rows.int64(row, 3), rows.timestamp(row, 4), std::string(rows.text(row, 5)), rows.int64(row, 6),
                              rows.int64(row, 7));
  }
  co_return found;
}

Task<Regions> regions(Connection& database, std::int32_t days) {
  const auto rows = co_await database.execute(sql::regions, days);
  Regions found{days, {}};
  for (int row = 0; row < rows.size(); ++row) {
    found.regions.emplace_back(std::string(rows.text(row, 0)), rows.int64(row, 1), rows.int64(row, 2));
  }
  co_return found;
}

}  // namespace fitmap
