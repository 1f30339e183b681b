"""Tables, figures and comparisons of results."""
