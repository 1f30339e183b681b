"""Targets, and the tables, figures and comparisons of results."""
