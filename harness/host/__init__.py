"""The machine: its description, counters and speed."""
