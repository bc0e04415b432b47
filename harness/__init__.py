"""The running side of fitmap: configuration, plan, images, containers, trials, record."""
