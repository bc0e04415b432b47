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
  void slicesMakeAWhole() {
    Collatz whole = Collatz.walk(1, 2_500);
    assertEquals(new Collatz(1, 2_500, 2_463, 208, whole.totalSteps()), whole);
    long parts =
        Collatz.walk(1, 700).totalSteps()
            + Collatz.walk(701, 1_000).totalSteps()
            + Collatz.walk(1_701, 800).totalSteps();
    assertEquals(parts, whole.totalSteps());
    assertEquals(Collatz.walk(1, 2_000).longestStart(), Collatz.walk(1_001, 1_000).longestStart());
  }

  @Test
  void tiesGoToTheSmallerStart() {
    // 12 and 13 take nine steps each.
    assertEquals(new Collatz(12, 2, 12, 9, 18), Collatz.walk(12, 2));
  }
}
