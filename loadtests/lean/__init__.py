"""The lean Locust user: keep-alive sockets, encoded requests, a C parser, microsecond histograms, checked answers."""
