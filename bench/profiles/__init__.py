"""Profiles without a target: where the time goes, what an image costs, and what a GPU adds."""
