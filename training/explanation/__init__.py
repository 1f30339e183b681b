"""Evaluation of explanations: faithfulness, ROAD and sanity checks of every method."""
