"""Looks after the streams of a group: keeps them short, and mends what others break.

Every worker does, at its own interval, and remembers what it has seen last: after a FLUSHALL
nothing else knows what there was.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import redis

from workers import keys, stream_keys
from workers.engine_settings import DAY
from workers.logger import get_logger
from workers.scripts import script
from workers.settings import Settings
from workers.streams.depths import Depth, Finding, changes, depths
from workers.streams.ends import stat
from workers.streams.known import known_streams
from workers.streams.naming import Naming
from workers.streams.trimming import KEPT_DONE, trim

log = get_logger("postroom.streams")

_AT_ONCE = 100  # streams in one question
_KEPT_ASIDE = 7 * DAY  # seconds
_COUNTED_FOR = 10_000  # ms in which several workers may see the same loss


@dataclass
class Watch:
    """Looks after the streams of one group.

    Args:
        patterns: The streams: names in which `*` stands for any text.
        group: The group.
        settings: The limit.
        connection: Where.
    """

    patterns: Sequence[str]
    group: str
    settings: Settings
    connection: redis.Redis
    _seen: dict[str, tuple[Depth, float]] = field(default_factory=dict, init=False)
    _turn: int = field(default=0, init=False)

    def look(self) -> Sequence[Finding]:
        """Look at all streams, or at the next hundred of very many.

        Returns:
            What somebody has done to them.
        """
        known = known_streams(self.patterns, connection=self.connection) | self._seen.keys()
        now = depths(self._next(sorted(known)), connection=self.connection)
        found = [finding for depth in now for finding in self._compared(depth)]
        for depth in now:
            self._keep_short(depth)
            self._clear_the_place(depth)
            self._seen[depth.stream] = (depth, time.monotonic())
        return found

    def _next(self, streams: Sequence[str]) -> Sequence[str]:
        if len(streams) <= _AT_ONCE:
            return streams
        begin = self._turn % len(streams)
        self._turn = begin + _AT_ONCE
        return [*streams, *streams][begin : begin + _AT_ONCE]

    def _compared(self, depth: Depth) -> Iterable[Finding]:
        if depth.stream not in self._seen:
            return
        before, at = self._seen[depth.stream]
        for finding in changes(before, depth, self.group):
            if self._count(finding):
                log.error(
                    finding.harm,
                    stream=finding.stream,
                    group=self.group,
                    lost_at_least=finding.at_least,
                    seen_seconds_ago=round(time.monotonic() - at, 1),
                    why=finding.why,
                )
                yield finding

    def _count(self, finding: Finding) -> bool:
        name = Naming(self.settings.stream_template).read(finding.stream)
        text = script("workers", "ending") + script("workers.streams", "count")
        key = stream_keys.counted_loss(self.group, finding.stream, finding.harm)
        facts = (stat(name, "unknown"), finding.harm, finding.at_least)
        arguments = (keys.our_prefix(), key, _COUNTED_FOR, *facts)
        return bool(self.connection.register_script(text)(args=[*arguments]))

    def _keep_short(self, depth: Depth) -> None:
        # Early enough that publishing need not do it.
        if depth.length > self.settings.stream_limit * 3 // 4:
            keep = max(1, min(KEPT_DONE, self.settings.stream_limit // 4))
            trim(depth.stream, keep=keep, connection=self.connection)

    def _clear_the_place(self, depth: Depth) -> None:
        if depth.kind in {"stream", "none"}:
            return
        aside = stream_keys.displaced(depth.stream)
        call = self.connection.register_script(script("workers.streams", "displace"))
        if kind := call(args=[depth.stream, aside, _KEPT_ASIDE]):
            log.error(
                "stream_displaced",
                stream=depth.stream,
                kind=kind.decode(),
                kept_as=aside,
                remedy="Find out who wrote there; what they wrote is kept for seven days.",
            )
