"""Channels of alerts that take nothing."""

from collections.abc import Iterator
from datetime import datetime

import redis

from monitoring.alert_channels import failing_channels
from monitoring.doctor.finding import Finding


def channel_findings(now: datetime, connection: redis.Redis) -> Iterator[Finding]:
    """Tell of channels that fail.

    Args:
        now: The server's time.
        connection: Where.
    """
    for state, seconds in failing_channels(now, connection):
        yield Finding(
            "alert_channel_failing",
            "warning",
            state.said(seconds),
            f"`postroom alerts test {state.name}` tries it; correct it in ALERT_CHANNELS.",
        )
