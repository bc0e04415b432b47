-- Deterministic: arithmetic on generate_series alone, no random(), no now(). Every trial starts from exactly this.
-- Multipliers are primes, so that neighbouring rows differ and nothing repeats in step with an index page.
INSERT INTO customers (id, name, region)
SELECT c, 'Customer ' || c,
       (ARRAY['africa', 'antarctica', 'asia', 'caribbean', 'europe', 'north-america', 'oceania', 'south-america'])[c * 7 % 8 + 1]
FROM generate_series(1, 1000) AS c;

-- Every thousandth product is sold out; the others never run out under load.
INSERT INTO products (id, name, price_cents, stock)
SELECT p, 'Product ' || p, 100 + p * 7919 % 9900, CASE WHEN p % 1000 = 0 THEN 0 ELSE 1000000 END
FROM generate_series(1, 10000) AS p;

-- 100,000 orders over 365 days (one each 315 seconds), the newest at 2026-01-01T00:00:00Z; 1 to 5 lines each.
INSERT INTO orders (id, customer_id, created_at, status, total_cents)
SELECT o, o::bigint * 7919 % 1000 + 1,
       timestamptz '2026-01-01T00:00:00Z' - (100000 - o) * interval '315 seconds',
       (ARRAY['paid', 'shipped', 'delivered', 'returned'])[o % 4 + 1],
       0
FROM generate_series(1, 100000) AS o;

INSERT INTO order_lines (order_id, product_id, quantity, price_cents)
SELECT o, p, (o + l) % 4 + 1, 100 + p * 7919 % 9900
FROM generate_series(1, 100000) AS o,
     LATERAL generate_series(1, o % 5 + 1) AS l,
     LATERAL (SELECT ((o::bigint * 104729 + l * 1299709) % 10000 + 1)::integer AS p) AS product;

UPDATE orders SET total_cents = totals.total_cents
FROM (SELECT order_id, sum(quantity::bigint * price_cents) AS total_cents FROM order_lines GROUP BY order_id) AS totals
WHERE orders.id = totals.order_id;

SELECT setval(pg_get_serial_sequence('orders', 'id'), 100000);

CREATE INDEX orders_by_customer ON orders (customer_id, created_at DESC, id DESC);
CREATE INDEX orders_by_time ON orders (created_at) WHERE status <> 'new';
