"""The demo: the shipped samples through the whole stack, and a picture of the results."""
