"""What the engine counted, added up: totals, rates, series, trends, and what they tell."""
