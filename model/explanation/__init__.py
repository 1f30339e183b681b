"""CAM formulas, other explanation methods, and the measures of how faithful they are."""
