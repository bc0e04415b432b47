"""Two records, or several: what differs, and how far runs scatter."""
