"""Commands and options. Alone in printing, exiting, and knowing both halves."""
