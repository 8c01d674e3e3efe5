"""The places of the board: for each what it reads, and its routes."""
