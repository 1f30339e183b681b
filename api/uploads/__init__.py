"""The path of a request body: receive, parse, write shard objects."""
