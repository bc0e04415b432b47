"""Samples and counts become a judged measurement. Reads and starts nothing."""
