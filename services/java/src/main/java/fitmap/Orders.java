package fitmap;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToIntFunction;

/** POST /orders: one transaction of six statements. */
final class Orders {
  private static final int MAX_LINES = 20;
  private static final int MAX_QUANTITY = 100;
  private static final String FOREIGN_KEY_VIOLATION = "23503";

  private static final String LOCK_PRODUCTS =
      "SELECT id, price_cents, stock FROM products WHERE id = ANY(?::integer[]) ORDER BY id FOR UPDATE";
  private static final String TAKE_STOCK =
      """
      UPDATE products SET stock = stock - taken.quantity
      FROM unnest(?::integer[], ?::integer[]) AS taken (id, quantity)
      WHERE products.id = taken.id
      """;
  private static final String INSERT_ORDER =
      "INSERT INTO orders (customer_id, total_cents) VALUES (?, ?) RETURNING id";
  private static final String INSERT_LINES =
      """
      INSERT INTO order_lines (order_id, product_id, quantity, price_cents)
      SELECT ?::bigint, line.product_id, line.quantity, line.price_cents
      FROM unnest(?::integer[], ?::integer[], ?::integer[]) AS line (product_id, quantity, price_cents)
      """;

  private final Database database;

  Orders(Database database) {
    this.database = database;
  }

  record Request(int customerId, List<Line> lines) {}

  record Line(int productId, int quantity) {}

  record Created(long id, long totalCents) {}

  /** A request that was checked, its lines in product order. */
  record Basket(int customerId, List<Line> lines) {

    static Basket of(Request request) {
      List<Line> lines = request.lines();
      require(request.customerId() >= 1, "customer_id is out of range.");
      require(!lines.isEmpty() && lines.size() <= MAX_LINES, "An order has 1 to 20 lines.");
      for (Line line : lines) {
        require(line != null, "A line is null.");
        require(line.productId() >= 1, "product_id is out of range.");
        require(
            line.quantity() >= 1 && line.quantity() <= MAX_QUANTITY, "quantity is out of range.");
      }
      // Everybody locks rows in this order, so no two orders wait for each other.
      List<Line> sorted = lines.stream().sorted(Comparator.comparingInt(Line::productId)).toList();
      for (int i = 1; i < sorted.size(); i++) {
        require(
            sorted.get(i - 1).productId() != sorted.get(i).productId(), "A product appears twice.");
      }
      return new Basket(request.customerId(), sorted);
    }

    private static void require(boolean holds, String detail) {
      if (!holds) {
        throw ApiException.badRequest(detail);
      }
    }

    private int[] column(ToIntFunction<Line> value) {
      return lines.stream().mapToInt(value).toArray();
    }
  }

  Created create(Request request) {
    Basket basket = Basket.of(request);
    return database.transaction(connection -> insert(connection, basket));
  }

  private static Created insert(Connection connection, Basket basket) throws SQLException {
    int[] products = basket.column(Line::productId);
    int[] quantities = basket.column(Line::quantity);
    int[] prices = lockProducts(connection, products, quantities);
    long total = 0;
    for (int i = 0; i < prices.length; i++) {
      total += (long) prices[i] * quantities[i];
    }
    try (PreparedStatement statement = Database.prepare(connection, TAKE_STOCK)) {
      statement.setObject(1, products);
      statement.setObject(2, quantities);
      statement.executeUpdate();
    }
    long order = insertOrder(connection, basket.customerId(), total);
    try (PreparedStatement statement = Database.prepare(connection, INSERT_LINES)) {
      statement.setLong(1, order);
      statement.setObject(2, products);
      statement.setObject(3, quantities);
      statement.setObject(4, prices);
      statement.executeUpdate();
    }
    return new Created(order, total);
  }

  private static int[] lockProducts(Connection connection, int[] products, int[] quantities)
      throws SQLException {
    int[] prices = new int[products.length];
    try (PreparedStatement statement = Database.prepare(connection, LOCK_PRODUCTS)) {
      statement.setObject(1, products);
      try (ResultSet row = statement.executeQuery()) {
        int found = 0;
        boolean enough = true;
        // Rows and lines are both in product order: without gaps they match one to one.
        while (row.next()) {
          prices[found] = row.getInt(2);
          enough &= row.getInt(3) >= quantities[found];
          found++;
        }
        if (found < prices.length) {
          throw ApiException.notFound("There is no such product.");
        }
        if (!enough) {
          throw ApiException.outOfStock();
        }
      }
    }
    return prices;
  }

  private static long insertOrder(Connection connection, int customer, long total)
      throws SQLException {
    try (PreparedStatement statement = Database.prepare(connection, INSERT_ORDER)) {
      statement.setInt(1, customer);
      statement.setLong(2, total);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getLong(1);
      }
    } catch (SQLException e) {
      if (FOREIGN_KEY_VIOLATION.equals(e.getSQLState())) {
        throw ApiException.notFound("There is no such customer.");
      }
      throw e;
    }
  }
}
