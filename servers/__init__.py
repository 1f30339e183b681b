"""Real servers for tests and benchmarks, one a module; each has a free loopback port and a data folder of its own."""
