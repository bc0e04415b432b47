// What the routes ask the database for.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "asio.hpp"
#include "connection.hpp"

namespace fitmap {

struct Product {
  std::int32_t id;
  std::string name;
  std::int32_t price_cents;
  std::int32_t stock;
};
BOOST_DESCRIBE_STRUCT(Product, (), (id, name, price_cents, stock))

struct Customer {
  std::int32_t id;
  std::string name;
  std::string region;
};
BOOST_DESCRIBE_STRUCT(Customer, (), (id, name, region))

struct CustomerOrder {
  std::int64_t id;
  std::string created_at;
  std::string status;
  std::int64_t total_cents;
  std::int64_t lines;
};
BOOST_DESCRIBE_STRUCT(CustomerOrder, (), (id, created_at, status, total_cents, lines))

struct CustomerOrders {
  Customer customer;
  std::vector<CustomerOrder> orders;
};
BOOST_DESCRIBE_STRUCT(CustomerOrders, (), (customer, orders))

struct RegionRevenue {
  std::string region;
  std::int64_t orders;
  std::int64_t revenue_cents;
};
BOOST_DESCRIBE_STRUCT(RegionRevenue, (), (region, orders, revenue_cents))

struct Regions {
  std::int32_t days;
  std::vector<RegionRevenue> regions;
};
BOOST_DESCRIBE_STRUCT(Regions, (), (days, regions))

// A checked order. Its lines are in columns, as the statements take them, and in product order: two orders that lock
// their rows in one order cannot deadlock.
struct NewOrder {
  std::int32_t customer_id;
  std::vector<std::int32_t> product_ids;
  std::vector<std::int32_t> quantities;
};

struct OrderCreated {
  std::int64_t id;
  std::int64_t total_cents;
};
BOOST_DESCRIBE_STRUCT(OrderCreated, (), (id, total_cents))

// Throws Failure.
NewOrder read_order(const std::string& body);

// All throw Unavailable; those that find nothing throw Failure (404).
Task<Product> product(Connection& database, std::int32_t id);
Task<Product> product_slow(Connection& database, std::int32_t id, std::int32_t milliseconds);
Task<CustomerOrders> customer_orders(Connection& database, std::int32_t id, std::int32_t limit);
Task<Regions> regions(Connection& database, std::int32_t days);
Task<OrderCreated> create_order(Connection& database, const NewOrder& order);

}  // namespace fitmap
