package fitmap;

/** What this build calls itself. A variant has a file of its own in the place of this one. */
final class Variant {
  static final String CLASS = "tuned";

  private Variant() {}
}
