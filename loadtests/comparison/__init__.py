"""The lean user against Locust's FastHttpUser and wrk, on one core, against one null server."""
