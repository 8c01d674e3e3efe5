"""Queues and the workers that listen to them, as Redis has them now."""

from monitoring.queues.stats import get_queue_stats

__all__ = ["get_queue_stats"]
