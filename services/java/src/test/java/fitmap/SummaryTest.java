package fitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SummaryTest {
  private static Summary summarize(String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    return Summary.of(Json.reader(Summary.Request.class).read(bytes));
  }

  private static String order(String customer, String region, int quantity, int price) {
    return """
        {"customer":"%s","region":"%s","lines":[{"sku":"s","quantity":%d,"price_cents":%d}]}"""
        .formatted(customer, region, quantity, price);
  }

  private static String orders(String... orders) {
    return "{\"orders\":[" + String.join(",", orders) + "]}";
  }

  @Test
  void groupsAndSorts() {
    Summary summary =
        summarize(
            orders(
                order("b", "x", 2, 10),
                order("a", "x", 1, 20),
                order("c", "y", 1, 50),
                order("a", "w", 5, 8)));
    assertEquals(
        new Summary(
            4,
            List.of(
                new Summary.Region("y", 1, 1, 50, "c"),
                new Summary.Region("w", 1, 5, 40, "a"),
                new Summary.Region("x", 2, 3, 40, "a"))),
        summary);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\\ud800", "x\\udc00", "\\ude00\\ud83d"})
  void refusesHalfASurrogatePair(String name) {
    assertThrows(ApiException.class, () -> summarize(orders(order(name, "x", 1, 1))));
    assertThrows(ApiException.class, () -> summarize(orders(order("a", name, 1, 1))));
  }

  @Test
  void ordersNamesByCodePoint() {
    Summary summary =
        summarize(orders(order("😀", "😀", 1, 1), order("Ａ", "😀", 1, 1), order("a", "Ａ", 2, 1)));
    assertEquals(
        List.of("Ａ", "😀"), summary.regions().stream().map(Summary.Region::region).toList());
    assertEquals("Ａ", summary.regions().getLast().topCustomer());
  }

  @Test
  void writesKeysInTheContractsOrder() {
    String json =
        new String(Json.write(summarize(orders(order("c", "r", 2, 3)))), StandardCharsets.UTF_8);
    assertEquals(
        "{\"orders\":1,\"regions\":[{\"region\":\"r\",\"orders\":1,\"quantity\":2,\"revenue_cents\":6,"
            + "\"top_customer\":\"c\"}]}",
        json);
  }

  @Test
  void takesTenThousandOrdersAndNoMore() {
    String[] most =
        Collections.nCopies(10_000, "{\"customer\":\"\",\"region\":\"\",\"lines\":[]}")
            .toArray(String[]::new);
    assertEquals(10_000, summarize(orders(most)).orders());
    String[] more = Collections.nCopies(10_001, most[0]).toArray(String[]::new);
    assertThrows(ApiException.class, () -> summarize(orders(more)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "1000001",
        "1.0",
        "1e0",
        "\"1\"",
        "true",
        "null",
        "4294967297",
        "99999999999999999999"
      })
  void refusesQuantity(String quantity) {
    String body = orders(order("c", "r", 7, 1)).replace("7", quantity);
    assertThrows(ApiException.class, () -> summarize(body));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{}",
        "{\"orders\":null}",
        "{\"orders\":[null]}",
        "{\"orders\":[]}{}",
        "{\"orders\":[{\"customer\":1,\"region\":\"r\",\"lines\":[]}]}",
        "{\"orders\":[{\"customer\":\"c\",\"region\":true,\"lines\":[]}]}",
        "{\"orders\":[{\"customer\":\"c\",\"region\":\"r\",\"lines\":[null]}]}"
      })
  void refusesShape(String body) {
    assertThrows(ApiException.class, () -> summarize(body));
  }
}
