package fitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IntegersTest {
  @ParameterizedTest
  @CsvSource({"1,1", "0000000007,7", "2147483647,2147483647"})
  void takesDigits(String text, int value) {
    assertEquals(value, Integers.parse(text, 1, Integer.MAX_VALUE));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "0",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "1e1",
        "٣",
        "2147483648",
        "9999999999",
        "00000000001"
      })
  void refusesTheRest(String text) {
    assertEquals(Integers.INVALID, Integers.parse(text, 1, Integer.MAX_VALUE));
  }
}
