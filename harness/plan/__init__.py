"""What is measured, in which order, on which CPUs. Pure but for reading files."""
