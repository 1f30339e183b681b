"""The benchmarks of Batchlight itself that yield a ratio or a size with a target, one subject a module."""
