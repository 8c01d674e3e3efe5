"""Whose turn it is: by turns between tenants, and by weight between priorities.

What has delivered all that was asked of it is hot: it is read by a command of its own. The others
are looked at by the step's script, one after the other, until there is enough.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from workers.engine.fairness import rotation, starting_with
from workers.routing import Priority
from workers.streams.naming import StreamName

MOST_AT_ONCE = 1_000
"""Streams that one step looks at, so that it takes the server a few ms at most."""

_HOT_FROM = 8  # messages that are wanted; of fewer a script takes just as many as there shall be


class StreamTurn(NamedTuple):
    """A stream to be served.

    Args:
        list_name: Its key.
        most: How many of its entries at most.
        is_hot: Whether to read it by a command of its own.
    """

    list_name: str
    most: int
    is_hot: bool


@dataclass
class StreamOrder:
    """The order of the streams for one step after the other.

    Args:
        weights: How often high, normal and low go first; each at least 1.
        has_limit: Whether tenants have a limit, which only the script can keep to.
    """

    weights: Sequence[int]
    has_limit: bool = False
    names: Mapping[str, StreamName] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Begin without streams."""
        self._round = tuple(islice(rotation(self.weights), sum(self.weights)))
        self._at = 0
        self._slice = 0
        self._tenants: dict[str, dict[Priority, list[str]]] = {}
        self._hot: set[str] = set()

    def serve(self, names: Collection[StreamName]) -> None:
        """Say which streams there are.

        Args:
            names: What their keys say.
        """
        self.names = {name.key: name for name in names}
        tenants: dict[str, dict[Priority, list[str]]] = {}
        for name in sorted(names, key=lambda each: each.key):
            whose = tenants.setdefault(name.tenant, {each: [] for each in Priority})
            whose[name.priority].append(name.key)
        known = [tenant for tenant in self._tenants if tenant in tenants]
        new = [tenant for tenant in tenants if tenant not in self._tenants]
        self._tenants = {tenant: tenants[tenant] for tenant in (*new, *known)}
        self._hot &= self.names.keys()

    @property
    def is_sliced(self) -> bool:
        """Whether there are more streams than a step can look at."""
        return len(self.names) > MOST_AT_ONCE

    def next(self, wanted: int) -> tuple[StreamTurn, ...]:
        """All streams, or the next of very many, in the order in which they are to be served.

        Args:
            wanted: How many messages there shall be; from 0.
        """
        first = self._round[self._at]
        self._at = (self._at + 1) % len(self._round)
        keys = self._slice_of(self._in_order(first))
        hot = self._hot_shares(wanted)
        share = -(-wanted // max(1, len(self._tenants)))
        return tuple(
            StreamTurn(key, hot[key], True) if key in hot else StreamTurn(key, share, False)
            for key in keys
        )

    def saw(self, turn: StreamTurn, count: int) -> None:
        """Take note of what came of a turn.

        Args:
            turn: The turn.
            count: How many entries it gave.
        """
        if count >= turn.most > 0:
            self._hot.add(turn.list_name)
        elif turn.is_hot:
            self._hot.discard(turn.list_name)
        if count:
            tenant = self.names[turn.list_name].tenant
            self._tenants[tenant] = self._tenants.pop(tenant)  # it goes last the next time

    def _in_order(self, first: Priority) -> Sequence[str]:
        return [
            key
            for priority in starting_with(first)
            for streams in self._tenants.values()
            for key in streams[priority]
        ]

    def _slice_of(self, keys: Sequence[str]) -> Sequence[str]:
        if not self.is_sliced:
            return keys
        begin = self._slice % len(keys)
        self._slice = begin + MOST_AT_ONCE
        return [*keys, *keys][begin : begin + MOST_AT_ONCE]

    def _hot_shares(self, wanted: int) -> Mapping[str, int]:
        if self.has_limit or wanted < _HOT_FROM or not self._hot:
            return {}
        weights = dict(zip(Priority, self.weights, strict=True))
        by_tenant: dict[str, list[str]] = {}
        for key in self._hot:
            by_tenant.setdefault(self.names[key].tenant, []).append(key)
        each, shares = wanted / len(by_tenant), {}
        for keys in by_tenant.values():
            whole = sum(weights[self.names[key].priority] for key in keys)
            for key in keys:
                shares[key] = max(1, int(each * weights[self.names[key].priority] / whole))
        return shares
