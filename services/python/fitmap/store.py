"""The statements of the contract, to the letter, and what their rows become."""

from asyncpg import Connection, ForeignKeyViolationError
from asyncpg.pool import PoolConnectionProxy

from fitmap.answers import Customer, CustomerOrders, Order, OrderCreated, Product, RegionRevenue, Regions
from fitmap.database import Database
from fitmap.errors import BadRequest, NotFound, OutOfStock
from fitmap.inputs import OrderLine, OrderRequest

HEALTH = "SELECT 1"

PRODUCT = "SELECT id, name, price_cents, stock FROM products WHERE id = $1"

PRODUCT_SLOW = "SELECT id, name, price_cents, stock FROM products, pg_sleep($2::integer / 1000.0) WHERE id = $1"

CUSTOMER_ORDERS = """\
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
"""

LOCK_PRODUCTS = "SELECT id, price_cents, stock FROM products WHERE id = ANY($1::integer[]) ORDER BY id FOR UPDATE"

TAKE_STOCK = """\
UPDATE products SET stock = stock - taken.quantity
FROM unnest($1::integer[], $2::integer[]) AS taken (id, quantity)
WHERE products.id = taken.id
"""

INSERT_ORDER = "INSERT INTO orders (customer_id, total_cents) VALUES ($1, $2) RETURNING id"

INSERT_LINES = """\
INSERT INTO order_lines (order_id, product_id, quantity, price_cents)
SELECT $1::bigint, line.product_id, line.quantity, line.price_cents
FROM unnest($2::integer[], $3::integer[], $4::integer[]) AS line (product_id, quantity, price_cents)
"""

REGIONS = """\
SELECT c.region, count(*) AS orders, sum(o.total_cents)::bigint AS revenue_cents
FROM orders o
JOIN customers c ON c.id = o.customer_id
WHERE o.status <> 'new'
  AND o.created_at > (SELECT max(created_at) FROM orders WHERE status <> 'new') - make_interval(days => $1::integer)
GROUP BY c.region
ORDER BY revenue_cents DESC, c.region
"""


class Store:
    def __init__(self, database: Database) -> None:
        self._connection = database.connection

    async def check(self) -> None:
        async with self._connection() as connection:
            await connection.fetchval(HEALTH)

    async def product(self, product_id: int) -> Product:
        async with self._connection() as connection:
            row = await connection.fetchrow(PRODUCT, product_id)
        if row is None:
            raise NotFound("There is no such product.")
        return Product(*row)

    async def product_slow(self, product_id: int, milliseconds: int) -> Product:
        async with self._connection() as connection:
            row = await connection.fetchrow(PRODUCT_SLOW, product_id, milliseconds)
        if row is None:
            raise NotFound("There is no such product.")
        return Product(*row)

    async def customer_orders(self, customer_id: int, limit: int) -> CustomerOrders:
        async with self._connection() as connection:
            rows = await connection.fetch(CUSTOMER_ORDERS, customer_id, limit)
        if not rows:
            raise NotFound("There is no such customer.")
        customer = Customer(*rows[0][:3])
        orders = [
            Order(order_id, created_at.replace(microsecond=0), status, total_cents, lines)
            for _, _, _, order_id, created_at, status, total_cents, lines in rows
            # A customer without orders comes as one row without an order.
            if order_id is not None
        ]
        return CustomerOrders(customer, orders)

    async def regions(self, days: int) -> Regions:
        async with self._connection() as connection:
            rows = await connection.fetch(REGIONS, days)
        return Regions(days, [RegionRevenue(*row) for row in rows])

    async def create_order(self, order: OrderRequest) -> OrderCreated:
        # Rows are locked in product order, so that two orders cannot wait for each other.
        lines = sorted(order.lines, key=_product_id)
        if len({line.product_id for line in lines}) < len(lines):
            raise BadRequest("The products must be distinct.")
        async with self._connection() as connection, connection.transaction():
            return await _create_order(connection, order.customer_id, lines)


def _product_id(line: OrderLine) -> int:
    return line.product_id


async def _create_order(
    connection: Connection | PoolConnectionProxy, customer_id: int, lines: list[OrderLine]
) -> OrderCreated:
    product_ids = [line.product_id for line in lines]
    quantities = [line.quantity for line in lines]
    products = await connection.fetch(LOCK_PRODUCTS, product_ids)
    if len(products) < len(lines):
        raise NotFound("A product does not exist.")
    if any(product["stock"] < quantity for product, quantity in zip(products, quantities, strict=True)):
        raise OutOfStock("There is not enough stock of a product.")
    await connection.execute(TAKE_STOCK, product_ids, quantities)
    prices = [product["price_cents"] for product in products]
    total_cents = sum(price * quantity for price, quantity in zip(prices, quantities, strict=True))
    try:
        order_id = await connection.fetchval(INSERT_ORDER, customer_id, total_cents)
    except ForeignKeyViolationError:
        raise NotFound("There is no such customer.") from None
    await connection.execute(INSERT_LINES, order_id, product_ids, quantities, prices)
    return OrderCreated(order_id, total_cents)
