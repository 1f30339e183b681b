"""The path of a claimed shard: claim, decode, infer, commit."""
