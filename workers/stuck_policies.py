"""What becomes of a job that runs for too long, by its message type: the setting STUCK_POLICY.

A policy is an action, and perhaps the age from which on it is taken: `requeue` or `requeue:45m`.
Written alone it is that of all types, and after `TYPE=` that of one. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Literal, get_args

Action = Literal["report", "stop", "requeue", "escalate"]
"""`report`: it is listed, and no more. `stop`: its run is stopped, as a person does it. `requeue`:
its run is ended as by a timeout, so the job runs again while it has attempts left. `escalate`: the
channels of alerts are told at once, as of something critical."""

AFTER = timedelta(minutes=30)
"""From which age on, where a policy names none: what requirement 001 calls `medium`."""
EARLIEST = timedelta(minutes=10)
"""The youngest age that a policy may name: before that no job counts as stuck."""

_ACTIONS: tuple[Action, ...] = get_args(Action)
_POLICY = re.compile(r"(?:([^=:,\s]+)=)?([a-z]+)(?::(\d{1,6})([smhd]))?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class StuckPolicy:
    """What is done, and when.

    Args:
        action: What.
        after: From which age of a run on.
    """

    action: Action = "report"
    after: timedelta = AFTER

    @property
    def acts(self) -> bool:
        """Whether it does anything."""
        return self.action != "report"


@dataclass(frozen=True)
class StuckPolicies:
    """The policies of all types.

    Args:
        default: That of the types which have none of their own, and of jobs without a type.
        by_type: The others.
    """

    default: StuckPolicy
    by_type: Mapping[str, StuckPolicy]

    def of(self, kind: str) -> StuckPolicy:
        """The policy of a message type.

        Args:
            kind: The type; empty for a job that is no message.
        """
        return self.by_type.get(kind, self.default)

    @property
    def act(self) -> bool:
        """Whether any of them does anything."""
        return self.default.acts or any(each.acts for each in self.by_type.values())


@lru_cache(maxsize=8)
def read_stuck_policies(text: str) -> StuckPolicies:
    """The policies of the setting.

    Args:
        text: Such as `report,EMAIL=requeue,DATA_SYNC=stop:2h`; an age is at least ten minutes.

    Raises:
        ValueError: If a part cannot be read, or two are about the same; it says which.
    """
    found: dict[str, StuckPolicy] = {}
    for part in (each.strip() for each in text.split(",") if each.strip()):
        kind, policy = _policy(part)
        if kind in found:
            message = f"two policies are for {kind or 'all types'}; keep one of them"
            raise ValueError(message)
        found[kind] = policy
    return StuckPolicies(found.pop("", StuckPolicy()), found)


def _policy(part: str) -> tuple[str, StuckPolicy]:
    match = _POLICY.fullmatch(part)
    action = next((each for each in _ACTIONS if match and each == match[2]), None)
    if match is None or action is None:
        message = (
            f"{part!r} is no policy such as requeue, EMAIL=requeue or DATA_SYNC=stop:2h; "
            f"an action is {', '.join(_ACTIONS)}, an age has s, m, h or d"
        )
        raise ValueError(message)
    after = timedelta(**{_UNITS[match[4]]: int(match[3])}) if match[3] else AFTER
    if after < EARLIEST:
        message = f"the age in {part!r} is below 10m; to end jobs earlier, give them a timeout"
        raise ValueError(message)
    return match[1] or "", StuckPolicy(action, after)
