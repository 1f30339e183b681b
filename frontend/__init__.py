"""The page: what a person without a terminal sees of Batchlight. It speaks HTTP, through the client."""
