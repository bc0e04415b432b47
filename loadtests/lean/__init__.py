"""The lean Locust user: keep-alive sockets, requests encoded once, a C parser, microsecond histograms, every answer checked."""
