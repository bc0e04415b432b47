"""A record as numbers: observations, estimates, ranks."""
