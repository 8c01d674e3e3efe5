"""Failures by kind: how many, since when, in which releases, of which jobs. Only reads.

Failed attempts of our workers count, those that were tried again included; crashes of processes do
not, for nothing was raised. At most 1,000 groups are kept, for 90 days after their last failure.
"""

from monitoring.failures.detail import MOST_HOURS, get_failure_group
from monitoring.failures.listing import MOST_GROUPS, Sorting, get_failure_groups

__all__ = ["MOST_GROUPS", "MOST_HOURS", "Sorting", "get_failure_group", "get_failure_groups"]
