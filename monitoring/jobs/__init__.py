"""Jobs seen from outside: one, the newest, those in hand, those that are late or stuck."""

from monitoring.jobs.status import get_job_log, get_job_status

__all__ = ["get_job_log", "get_job_status"]
