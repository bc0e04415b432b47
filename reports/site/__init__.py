"""The static site of a history."""
