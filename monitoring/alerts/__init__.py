"""Tells people what is wrong, once, and when it is over. It reads, and sends.

What it remembers stands below `postroom:watch:alerts`.
"""

from monitoring.alerts.alerter import Alerter
from monitoring.alerts.channel import Channel, ChannelFailed
from monitoring.alerts.errors import ChannelNotFound
from monitoring.alerts.evaluation import evaluate
from monitoring.alerts.known import get_alerts, get_history
from monitoring.alerts.metrics import METRICS, Facts, Reading
from monitoring.alerts.rule import Rule
from monitoring.alerts.rules import read_rules
from monitoring.alerts.rules_file import InvalidRules
from monitoring.alerts.settings import AlertSettings

__all__ = [
    "METRICS",
    "AlertSettings",
    "Alerter",
    "Channel",
    "ChannelFailed",
    "ChannelNotFound",
    "Facts",
    "InvalidRules",
    "Reading",
    "Rule",
    "evaluate",
    "get_alerts",
    "get_history",
    "read_rules",
]
