package fitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class CollatzTest {
  @Test
  void walks() {
    assertEquals(new Collatz(1, 1, 1, 0, 0), Collatz.walk(1, 1));
    assertEquals(new Collatz(1000, 500, 1161, 181, 36_230), Collatz.walk(1000, 500));
  }

  @Test
  void tiesGoToTheSmallerStart() {
    // 12 and 13 take nine steps each.
    assertEquals(new Collatz(12, 2, 12, 9, 18), Collatz.walk(12, 2));
  }
}
