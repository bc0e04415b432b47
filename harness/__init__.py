"""Plans and runs benchmarks, and writes the record of each run."""
