// The statements of services/contract/queries.toml, to the letter.
#pragma once

namespace fitmap {

// Prepared under its name at a connection's first use of it.
struct Statement {
  const char* name;
  const char* text;
};

namespace sql {

inline constexpr Statement health{"health", "SELECT 1"};

inline constexpr Statement product{"product", "SELECT id, name, price_cents, stock FROM products WHERE id = $1"};

inline constexpr Statement product_slow{
    "product_slow", "SELECT id, name, price_cents, stock FROM products, pg_sleep($2::integer / 1000.0) WHERE id = $1"};

inline constexpr Statement customer_orders{"customer_orders", R"(
SELECT c.id, c.name, c.region, o.id AS order_id, o.created_at, o.status, o.total_cents, o.lines
FROM customers c
LEFT JOIN LATERAL (
    SELECT o.id, o.created_at, o.status, o.total_cents,
           (SELECT count(*) FROM order_lines l WHERE l.order_id = o.id) AS lines
    FROM orders o
    WHERE o.customer_id = c.id
    ORDER BY o.created_at DESC, o.id DESC
    LIMIT $2::integer
) o ON true
WHERE c.id = $1
ORDER BY o.created_at DESC, o.id DESC
)"};

inline constexpr Statement lock_products{
    "lock_products", "SELECT id, price_cents, stock FROM products WHERE id = ANY($1::integer[]) ORDER BY id FOR UPDATE"};

inline constexpr Statement take_stock{"take_stock", R"(
UPDATE products SET stock = stock - taken.quantity
FROM unnest($1::integer[], $2::integer[]) AS taken (id, quantity)
WHERE products.id = taken.id
)"};

inline constexpr Statement insert_order{"insert_order",
                                        "INSERT INTO orders (customer_id, total_cents) VALUES ($1, $2) RETURNING id"};

inline constexpr Statement insert_lines{"insert_lines", R"(
INSERT INTO order_lines (order_id, product_id, quantity, price_cents)
SELECT $1::bigint, line.product_id, line.quantity, line.price_cents
FROM unnest($2::integer[], $3::integer[], $4::integer[]) AS line (product_id, quantity, price_cents)
)"};

inline constexpr Statement regions{"regions", R"(
SELECT c.region, count(*) AS orders, sum(o.total_cents)::bigint AS revenue_cents
FROM orders o
JOIN customers c ON c.id = o.customer_id
WHERE o.status <> 'new'
  AND o.created_at > (SELECT max(created_at) FROM orders WHERE status <> 'new') - make_interval(days => $1::integer)
GROUP BY c.region
ORDER BY revenue_cents DESC, c.region
)"};

}  // namespace sql
}  // namespace fitmap
