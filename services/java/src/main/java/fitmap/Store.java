package fitmap;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/**
 * The reading statements. Their text is the contract's; pgjdbc turns each question mark into $1,
 * $2, ...
 */
final class Store {
  private static final String HEALTH = "SELECT 1";
  private static final String PRODUCT =
      "SELECT id, name, price_cents, stock FROM products WHERE id = ?";
  private static final String PRODUCT_SLOW =
      "SELECT id, name, price_cents, stock FROM products, pg_sleep(?::integer / 1000.0) WHERE id = ?";
  private static final String CUSTOMER_ORDERS =
      """
      SELECT c.id, c.name, c.region, o.id AS order_id, o.created_at, o.status, o.total_cents, o.lines
      FROM customers c
      LEFT JOIN LATERAL (
          SELECT o.id, o.created_at, o.status, o.total_cents,
                 (SELECT count(*) FROM order_lines l WHERE l.order_id = o.id) AS lines
          FROM orders o
          WHERE o.customer_id = c.id
          ORDER BY o.created_at DESC, o.id DESC
          LIMIT ?::integer
      ) o ON true
      WHERE c.id = ?
      ORDER BY o.created_at DESC, o.id DESC
      """;
  private static final String REGIONS =
      """
      SELECT c.region, count(*) AS orders, sum(o.total_cents)::bigint AS revenue_cents
      FROM orders o
      JOIN customers c ON c.id = o.customer_id
      WHERE o.status <> 'new'
        AND o.created_at > (SELECT max(created_at) FROM orders WHERE status <> 'new') - make_interval(days => ?::integer)
      GROUP BY c.region
      ORDER BY revenue_cents DESC, c.region
      """;

  private final Database database;

  Store(Database database) {
    this.database = database;
  }

  record Product(int id, String name, int priceCents, int stock) {}

  record CustomerOrders(Customer customer, List<Order> orders) {}

  record Customer(int id, String name, String region) {}

  record Order(long id, String createdAt, String status, long totalCents, long lines) {}

  record Regions(int days, List<Region> regions) {}

  record Region(String region, long orders, long revenueCents) {}

  void ping() {
    database.with(
        connection -> {
          try (PreparedStatement statement = Database.prepare(connection, HEALTH)) {
            return statement.execute();
          }
        });
  }

  Product product(int id) {
    return database.with(
        connection -> {
          try (PreparedStatement statement = Database.prepare(connection, PRODUCT)) {
            statement.setInt(1, id);
            return readProduct(statement);
          }
        });
  }

  Product productSlow(int id, int milliseconds) {
    return database.with(
        connection -> {
          try (PreparedStatement statement = Database.prepare(connection, PRODUCT_SLOW)) {
            statement.setInt(1, milliseconds);
            statement.setInt(2, id);
            return readProduct(statement);
          }
        });
  }

  private static Product readProduct(PreparedStatement statement) throws SQLException {
    try (ResultSet row = statement.executeQuery()) {
      if (!row.next()) {
        throw ApiException.notFound("There is no such product.");
      }
      return new Product(row.getInt(1), row.getString(2), row.getInt(3), row.getInt(4));
    }
  }

  CustomerOrders customerOrders(int id, int limit) {
    return database.with(connection -> customerOrders(connection, id, limit));
  }

  private static CustomerOrders customerOrders(Connection connection, int id, int limit)
      throws SQLException {
    try (PreparedStatement statement = Database.prepare(connection, CUSTOMER_ORDERS)) {
      statement.setInt(1, limit);
      statement.setInt(2, id);
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          throw ApiException.notFound("There is no such customer.");
        }
        Customer customer = new Customer(row.getInt(1), row.getString(2), row.getString(3));
        List<Order> orders = new ArrayList<>();
        do {
          long order = row.getLong(4);
          // A customer without orders is one row without order.
          if (!row.wasNull()) {
            orders.add(
                new Order(
                    order, timestamp(row, 5), row.getString(6), row.getLong(7), row.getLong(8)));
          }
        } while (row.next());
        return new CustomerOrders(customer, orders);
      }
    }
  }

  /** ISO_INSTANT, which Instant.toString is, leaves the fraction out where there is none. */
  private static String timestamp(ResultSet row, int column) throws SQLException {
    return row.getObject(column, OffsetDateTime.class)
        .toInstant()
        .truncatedTo(ChronoUnit.SECONDS)
        .toString();
  }

  Regions regions(int days) {
    return database.with(
        connection -> {
          try (PreparedStatement statement = Database.prepare(connection, REGIONS)) {
            statement.setInt(1, days);
            try (ResultSet row = statement.executeQuery()) {
              List<Region> regions = new ArrayList<>();
              while (row.next()) {
                regions.add(new Region(row.getString(1), row.getLong(2), row.getLong(3)));
              }
              return new Regions(days, regions);
            }
          }
        });
  }
}
