/** What this build calls itself. A variant has a file of its own in the place of this one. */
export const CLASS = "standard";
