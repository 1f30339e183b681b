"""HTTP to a Batchlight server: request bodies, retries, and what responses mean."""
