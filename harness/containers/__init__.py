"""The container engine: images, versions, start and end of containers."""
