"""Real servers for tests and benchmarks, each private and on a free port of loopback."""
