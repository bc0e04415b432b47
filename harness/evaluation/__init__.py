"""Makes a judged measurement of samples and counts. Reads no files and starts nothing."""
