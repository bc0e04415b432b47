"""Compares the lean user with Locust's FastHttpUser and wrk, each on one core against one null server."""
