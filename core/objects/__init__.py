"""Object storage and the format of a shard object."""
