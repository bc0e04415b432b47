package fitmap;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The answer of POST /cpu/summarize. */
record Summary(int orders, List<Region> regions) {
  private static final int MAX_ORDERS = 10_000;
  private static final int MAX_QUANTITY = 1_000_000;
  private static final int MAX_PRICE_CENTS = 100_000_000;

  private static final Comparator<Region> BY_REVENUE =
      Comparator.comparingLong(Region::revenueCents)
          .reversed()
          .thenComparing(Region::region, CodePoints.ORDER);

  record Region(String region, int orders, long quantity, long revenueCents, String topCustomer) {}

  record Request(List<Order> orders) {}

  record Order(String customer, String region, List<Line> lines) {}

  record Line(String sku, int quantity, int priceCents) {}

  static Summary of(Request request) {
    List<Order> orders = request.orders();
    if (orders.size() > MAX_ORDERS) {
      throw ApiException.badRequest("There are more than 10,000 orders.");
    }
    Map<String, Tally> tallies = new HashMap<>();
    for (Order order : orders) {
      require(order != null, "An order is null.");
      tallies.computeIfAbsent(order.region(), region -> new Tally()).add(order);
    }
    List<Region> regions = new ArrayList<>(tallies.size());
    tallies.forEach((name, tally) -> regions.add(tally.region(name)));
    regions.sort(BY_REVENUE);
    return new Summary(orders.size(), regions);
  }

  private static void require(boolean holds, String detail) {
    if (!holds) {
      throw ApiException.badRequest(detail);
    }
  }

  private static final class Tally {
    private final Map<String, Long> customers = new HashMap<>();
    private int orders;
    private long quantity;
    private long revenueCents;

    void add(Order order) {
      long revenue = 0;
      for (Line line : order.lines()) {
        require(line != null, "A line is null.");
        require(
            line.quantity() >= 1 && line.quantity() <= MAX_QUANTITY, "A quantity is out of range.");
        require(
            line.priceCents() >= 0 && line.priceCents() <= MAX_PRICE_CENTS,
            "A price is out of range.");
        quantity += line.quantity();
        revenue += (long) line.quantity() * line.priceCents();
      }
      orders++;
      revenueCents += revenue;
      customers.merge(order.customer(), revenue, Long::sum);
    }

    /** Names that are no text of Unicode, half a surrogate pair in them, can't be written. */
    Region region(String name) {
      String top = null;
      long most = -1;
      for (Map.Entry<String, Long> customer : customers.entrySet()) {
        long revenue = customer.getValue();
        if (revenue > most
            || (revenue == most && CodePoints.ORDER.compare(customer.getKey(), top) < 0)) {
          top = customer.getKey();
          most = revenue;
        }
      }
      require(CodePoints.areWhole(name) && CodePoints.areWhole(top), "A name is no Unicode text.");
      return new Region(name, orders, quantity, revenueCents, top);
    }
  }
}
