"""A whole run: set-up, header, trials one after the other."""
