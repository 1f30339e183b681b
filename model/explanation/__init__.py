"""CAM formulas, other explanation methods, and how to measure their faithfulness."""
