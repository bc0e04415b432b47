"""What the harness and the load generator tell each other, and what both compute alike."""
