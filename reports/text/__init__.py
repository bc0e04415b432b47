"""How numbers, dates and sentences are written."""
