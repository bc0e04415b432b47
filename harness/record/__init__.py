"""The record of a run: its types, reading it, writing it. All that both halves share."""
