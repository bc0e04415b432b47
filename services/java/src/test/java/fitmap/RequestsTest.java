package fitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestsTest {
  @ParameterizedTest
  @ValueSource(strings = {"ms=5", "%6Ds=%35", "x=1&ms=5&x=2&y", "&&ms=5&", "mss=1&ms=5"})
  void findsTheParameter(String query) {
    assertEquals("5", Requests.single(query, "ms"));
  }

  @Test
  void tellsMissingFromEmpty() {
    assertNull(Requests.single("", "ms"));
    assertNull(Requests.single("MS=1", "ms"));
    assertEquals("", Requests.single("ms", "ms"));
    assertEquals("", Requests.single("ms=", "ms"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ms=1&ms=2", "ms=1&ms=1", "ms&ms=1", "ms=1&ms", "ms=%zz"})
  void refuses(String query) {
    assertThrows(ApiException.class, () -> Requests.single(query, "ms"));
  }
}
