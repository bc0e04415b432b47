package fitmap;

/** The one notion of an integer that paths, queries and the environment share. */
final class Integers {
  static final int INVALID = -1;

  private Integers() {}

  /**
   * Digits alone, one to ten of them, within the bounds; otherwise {@link #INVALID}. {@code
   * Integer.parseInt} would take a sign and the digits of other scripts.
   */
  static int parse(String text, int min, int max) {
    int length = text.length();
    if (length == 0 || length > 10) {
      return INVALID;
    }
    long value = 0;
    for (int i = 0; i < length; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return INVALID;
      }
      value = value * 10 + digit;
    }
    return value < min || value > max ? INVALID : (int) value;
  }
}
