"""How faithful a model's explanations are."""
