"""Servers of known behaviour, and the load for them."""
