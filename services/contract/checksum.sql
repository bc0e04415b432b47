-- One line that changes when any seeded row does. Recorded with every run.
SELECT md5(string_agg(part, '|' ORDER BY part))
FROM (
    SELECT 'customers' || md5(string_agg(c::text, ',' ORDER BY id)) AS part FROM customers c
    UNION ALL SELECT 'products' || md5(string_agg(p::text, ',' ORDER BY id)) FROM products p
    UNION ALL SELECT 'orders' || md5(string_agg(o::text, ',' ORDER BY id)) FROM orders o
    UNION ALL SELECT 'lines' || md5(string_agg(l::text, ',' ORDER BY order_id, product_id)) FROM order_lines l
) AS parts;
