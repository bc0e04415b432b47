"""Servers of known behaviour, and the load for them: what calibration and self-test measure the generator with."""
