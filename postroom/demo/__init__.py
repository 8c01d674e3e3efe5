"""`python -m postroom.demo`: everything at once on this machine, with or without traffic."""
