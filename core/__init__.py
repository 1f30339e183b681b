"""Settings, errors, tables and the state transitions of jobs, shards, items and archives; nothing of HTTP or models."""
