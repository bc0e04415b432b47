package fitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OrdersTest {
  private static Orders.Basket basket(Orders.Line... lines) {
    return Orders.Basket.of(new Orders.Request(1, List.of(lines)));
  }

  @Test
  void sortsByProduct() {
    Orders.Basket basket = basket(new Orders.Line(9, 1), new Orders.Line(2, 100));
    assertEquals(List.of(new Orders.Line(2, 100), new Orders.Line(9, 1)), basket.lines());
  }

  @Test
  void refuses() {
    List<Orders.Line> many = new ArrayList<>();
    for (int product = 1; product <= 21; product++) {
      many.add(new Orders.Line(product, 1));
    }
    assertThrows(ApiException.class, () -> basket());
    assertThrows(ApiException.class, () -> basket(many.toArray(Orders.Line[]::new)));
    assertThrows(ApiException.class, () -> basket(new Orders.Line(1, 1), new Orders.Line(1, 1)));
    assertThrows(ApiException.class, () -> basket(new Orders.Line(1, 0)));
    assertThrows(ApiException.class, () -> basket(new Orders.Line(1, 101)));
    assertThrows(ApiException.class, () -> basket(new Orders.Line(0, 1)));
  }
}
