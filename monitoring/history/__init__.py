"""What the past costs: memory for each kind of history, and what a setting would save."""

from monitoring.history.cost import get_history_cost

__all__ = ["get_history_cost"]
