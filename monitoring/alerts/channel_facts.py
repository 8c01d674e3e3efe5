"""What is read of the channels of alerts themselves. Only reads."""

from datetime import datetime

import redis

from monitoring.alert_channels import failing_channels
from monitoring.alerts.metrics import Facts, Reading


def channel_facts(now: datetime, connection: redis.Redis) -> Facts:
    """For how long channels have failed, in one round trip.

    Args:
        now: The server's time.
        connection: Where.
    """
    return {
        "channel_failing": [
            Reading(state.name, seconds, state.said(seconds))
            for state, seconds in failing_channels(now, connection)
        ]
    }
