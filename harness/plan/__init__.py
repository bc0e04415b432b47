"""The plan: what is measured, in which order, on which CPUs."""
