"""What Prometheus scrapes: gauges as Redis has them now, and counters that never go down.

Read at each scrape, in five round trips at most, from what the engine and RQ record. The number of
series is bounded: see labels.py.
"""

from monitoring.prometheus.exposition import CONTENT_TYPE, Exposition, render_metrics

__all__ = ["CONTENT_TYPE", "Exposition", "render_metrics"]
