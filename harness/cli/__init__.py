"""The commands. Only this package prints, exits, and imports harness and reports."""
