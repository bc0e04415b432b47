package fitmap;

/** The answer of GET /cpu/collatz. */
record Collatz(int from, int count, int longestStart, int longestSteps, long totalSteps) {
  /** Starts; about 0.15 ms. */
  private static final int SLICE = 1_000;

  @SuppressWarnings("ThreadPriorityCheck") // a virtual thread keeps its processor until it yields
  static Collatz walk(int from, int count) {
    Collatz walked = slice(from, Math.min(count, SLICE));
    while (walked.count < count) {
      Thread.yield();
      int left = count - walked.count;
      walked = walked.and(slice(from + walked.count, Math.min(left, SLICE)));
    }
    return walked;
  }

  private static Collatz slice(int from, int count) {
    int longestStart = from;
    int longestSteps = -1;
    long totalSteps = 0;
    for (int start = from; start < from + count; start++) {
      int steps = steps(start);
      totalSteps += steps;
      if (steps > longestSteps) {
        longestSteps = steps;
        longestStart = start;
      }
    }
    return new Collatz(from, count, longestStart, longestSteps, totalSteps);
  }

  private Collatz and(Collatz next) {
    Collatz longest = next.longestSteps > longestSteps ? next : this;
    return new Collatz(
        from,
        count + next.count,
        longest.longestStart,
        longest.longestSteps,
        totalSteps + next.totalSteps);
  }

  private static int steps(long n) {
    int steps = 0;
    while (n != 1) {
      // n is positive, so the shift is the division, without the correction that signed division
      // needs.
      n = (n & 1) == 0 ? n >> 1 : 3 * n + 1;
      steps++;
    }
    return steps;
  }
}
