"""Reads this machine: its description, counters and speed."""
