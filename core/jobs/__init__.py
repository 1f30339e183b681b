"""Jobs, shards, items and archives: their states and every transition between them."""
