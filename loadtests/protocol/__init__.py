"""The messages between harness and load generator, and the computations that both use."""
