"""The way of a request body into storage: receive it, parse it, write its images into shard objects."""
