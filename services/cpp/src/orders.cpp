#include <algorithm>
#include <exception>
#include <limits>

#include "failure.hpp"
#include "json.hpp"
#include "shop.hpp"

namespace fitmap {
namespace {

constexpr auto most_id = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t most_lines = 20;
constexpr std::int64_t most_quantity = 100;
constexpr const char* foreign_key_violation = "23503";

struct Line {
  std::int32_t product_id;
  std::int32_t quantity;
};

Task<std::vector<std::int32_t>> lock_products(Connection& database, const NewOrder& order) {
  const auto rows = co_await database.execute(sql::lock_products, order.product_ids);
  const auto count = order.product_ids.size();
  if (static_cast<std::size_t>(rows.size()) < count) throw not_found("there is no such product");
  std::vector<std::int32_t> prices;
  for (std::size_t i = 0; i < count; ++i) {
    // Rows are in product order as well.
    const auto row = static_cast<int>(i);
    if (rows.int32(row, 2) < order.quantities[i]) throw Failure(409, "out_of_stock", "a product has too little stock");
    prices.push_back(rows.int32(row, 1));
  }
  co_return prices;
}

Task<std::int64_t> insert_order(Connection& database, std::int32_t customer_id, std::int64_t total_cents) {
  try {
    co_return (co_await database.execute(sql::insert_order, customer_id, total_cents)).int64(0, 0);
  } catch (const StatementError& error) {
    if (error.state() == foreign_key_violation) throw not_found("there is no such customer");
    throw;
  }
}

Task<OrderCreated> insert(Connection& database, const NewOrder& order) {
  const auto prices = co_await lock_products(database, order);
  std::int64_t total_cents = 0;
  for (std::size_t i = 0; i < prices.size(); ++i) total_cents += std::int64_t{prices[i]} * order.quantities[i];
  co_await database.execute(sql::take_stock, order.product_ids, order.quantities);
  const auto id = co_await insert_order(database, order.customer_id, total_cents);
  co_await database.execute(sql::insert_lines, id, order.product_ids, order.quantities, prices);
  co_return OrderCreated{id, total_cents};
}

}  // namespace

NewOrder read_order(const std::string& body) {
  const auto [customer_id, elements] = json::members<2>(json::parse(body), {"customer_id", "lines"});
  NewOrder order{static_cast<std::int32_t>(json::integer(customer_id, 1, most_id)), {}, {}};
  std::vector<Line> lines;
  for (const auto element : json::array(elements)) {
    const auto [product_id, quantity] = json::members<2>(element, {"product_id", "quantity"});
    lines.emplace_back(static_cast<std::int32_t>(json::integer(product_id, 1, most_id)),
                       static_cast<std::int32_t>(json::integer(quantity, 1, most_quantity)));
  }
  if (lines.empty() || lines.size() > most_lines) throw bad_request("an order has 1 to 20 lines");
  std::ranges::sort(lines, {}, &Line::product_id);
  if (std::ranges::adjacent_find(lines, {}, &Line::product_id) != lines.end()) {
    throw bad_request("a product may be on one line only");
  }
  for (const auto& line : lines) {
    order.product_ids.push_back(line.product_id);
    order.quantities.push_back(line.quantity);
  }
  return order;
}

Task<OrderCreated> create_order(Connection& database, const NewOrder& order) {
  co_await database.command("BEGIN");
  OrderCreated created{};
  std::exception_ptr failure;
  try {
    created = co_await insert(database, order);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) {
    co_await database.command("COMMIT");
    co_return created;
  }
  // Where a statement is still under way, the pool waits for its end and rolls back then.
  if (database.in_transaction()) co_await database.command("ROLLBACK");
  std::rethrow_exception(failure);
}

}  // namespace fitmap
