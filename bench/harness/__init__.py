"""What the measurements share: servers, sizes, corpus, load, results."""
