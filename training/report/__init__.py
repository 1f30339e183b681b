"""The report on a model, made of what the measuring commands saved."""
