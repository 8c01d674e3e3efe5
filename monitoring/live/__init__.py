"""What clients see change: one look per tick for all of them, and what each is sent."""
