"""How many workers each queue should have: as JSON and in Prometheus' text format."""
