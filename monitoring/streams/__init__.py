"""Looks at streams: their entries, groups and consumers. Nothing is claimed or added."""

from monitoring.streams.monitor import StreamMonitor, SyncStreams

__all__ = ["StreamMonitor", "SyncStreams"]
