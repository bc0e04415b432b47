"""Load profiles, one file each, and the load generator."""
