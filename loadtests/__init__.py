"""Load profiles (one file each) and the lean Locust user that drives them. Runs in a container of its own."""
