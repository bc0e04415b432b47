/** The statements of contract/queries.toml. A name has each of them prepared once for each connection. */

export const HEALTH = { name: "health", text: "SELECT 1" };

export const PRODUCT = {
  name: "product",
  text: "SELECT id, name, price_cents, stock FROM products WHERE id = $1",
};

export const PRODUCT_SLOW = {
  name: "product_slow",
  text: "SELECT id, name, price_cents, stock FROM products, pg_sleep($2::integer / 1000.0) WHERE id = $1",
};

export const CUSTOMER_ORDERS = {
  name: "customer_orders",
  text: `
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
`,
};

export const LOCK_PRODUCTS = {
  name: "lock_products",
  text: "SELECT id, price_cents, stock FROM products WHERE id = ANY($1::integer[]) ORDER BY id FOR UPDATE",
};

export const TAKE_STOCK = {
  name: "take_stock",
  text: `
UPDATE products SET stock = stock - taken.quantity
FROM unnest($1::integer[], $2::integer[]) AS taken (id, quantity)
WHERE products.id = taken.id
`,
};

export const INSERT_ORDER = {
  name: "insert_order",
  text: "INSERT INTO orders (customer_id, total_cents) VALUES ($1, $2) RETURNING id",
};

export const INSERT_LINES = {
  name: "insert_lines",
  text: `
INSERT INTO order_lines (order_id, product_id, quantity, price_cents)
SELECT $1::bigint, line.product_id, line.quantity, line.price_cents
FROM unnest($2::integer[], $3::integer[], $4::integer[]) AS line (product_id, quantity, price_cents)
`,
};

export const REGIONS = {
  name: "regions",
  text: `
SELECT c.region, count(*) AS orders, sum(o.total_cents)::bigint AS revenue_cents
FROM orders o
JOIN customers c ON c.id = o.customer_id
WHERE o.status <> 'new'
  AND o.created_at > (SELECT max(created_at) FROM orders WHERE status <> 'new') - make_interval(days => $1::integer)
GROUP BY c.region
ORDER BY revenue_cents DESC, c.region
`,
};
