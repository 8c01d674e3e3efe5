"""What the web process does besides answering: alerting, and following policies."""

from monitoring.duties.duties import Duties

__all__ = ["Duties"]
