"""The report on a model version, made of the JSON files that the evaluating commands saved."""
