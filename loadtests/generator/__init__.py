"""The load generator: a master and its workers, in a container."""
