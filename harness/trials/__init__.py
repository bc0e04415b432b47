"""One trial, by the kind of its profile."""
