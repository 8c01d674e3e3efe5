"""All drills: how each is played in full, in short, and against stock RQ as its canary."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tests.drills.company import clock, mixed
from tests.drills.corruption import corruption
from tests.drills.kills import freeze, orphans, random_kills, recovery
from tests.drills.letters import letters
from tests.drills.outages import away, full, refused, replies, restarts
from tests.drills.pills import pills
from tests.drills.points import THREE, points, popped
from tests.drills.result import Result
from tests.drills.site import QUICK, Site
from tests.drills.stream_kills import stream_freeze, stream_kills, stream_race, stream_slow
from tests.drills.stream_loads import stream_idle, stream_million
from tests.drills.stream_outages import stream_harm, stream_limit, stream_trim

Play = Callable[..., Result]

_SHORT_CYCLES = ("succeed", "retry later", "hand back")


@dataclass(frozen=True)
class Drill:
    """One fault, and what must hold.

    Args:
        play: Takes a `Site` and the options.
        verdict: What the canary has to be red for; empty if the drill's tests have their own.
        canary: Options against stock RQ.
        canary_patience: Seconds that stock RQ has to end the jobs.
        short: Options of the form that `run test` plays; None if it plays none.
        stock: What the canary plays, where it is another function.
    """

    play: Play
    verdict: str = ""
    canary: Mapping[str, object] = field(default_factory=dict)
    canary_patience: float = 10.0
    short: Mapping[str, object] | None = None
    stock: Play | None = None

    def full(self, site: Site) -> Result:
        """As `run drills` plays it."""
        return self.play(site)

    @property
    def has_canary(self) -> bool:
        """Whether stock RQ can be asked the same; it knows no streams."""
        return bool(self.verdict)

    def quick(self, site: Site) -> Result:
        """As `run test` plays it."""
        return self.play(replace(site, pace=QUICK, patience=30.0), **(self.short or {}))

    def against_stock(self, site: Site) -> Result:
        """As `run drills --canary` plays it."""
        site = replace(site, side="stock", patience=self.canary_patience)
        return (self.stock or self.play)(site, **self.canary)


DRILLS: Mapping[str, Drill] = {
    "points": Drill(
        points,
        "lost",
        stock=popped,
        short={"cycles": _SHORT_CYCLES, "queues": (THREE,), "sample": 4},
    ),
    "kills": Drill(
        random_kills,
        "lost",
        canary={
            "queues": ("a", "b"),
            "jobs": 3_000,
            "kills": 60,
            "longest": 0.0,  # stock loses a job between two of its commands, not within a handler
        },
        canary_patience=20.0,
        short={"jobs": 200, "kills": 6, "aim": 1.0, "within": 2.5},
    ),
    "recovery": Drill(
        recovery, "slow", canary={"rounds": 1}, short={"rounds": 1, "limit": 5.0, "lasting": 0.6}
    ),
    "orphans": Drill(
        orphans, "orphans", canary={"rounds": 5}, short={"rounds": 1, "lasting": 3.0, "within": 2.5}
    ),
    "freeze": Drill(
        freeze,
        "split",
        canary={"seconds": 120.0, "each": 1},
        canary_patience=60.0,
        short={"seconds": 2.2, "each": 1},
    ),
    "restarts": Drill(
        restarts,
        "died",
        canary={"times": 2},
        short={"times": 2, "apart": 1.0},
    ),
    "away": Drill(away, "died", short={"seconds": 1.2}),
    "refused": Drill(refused, "gone", short={"seconds": 1.5}),
    "replies": Drill(
        replies,
        "lost",
        canary={"names": ("BLPOP",), "times": 5},
        short={"times": 8},
    ),
    "full": Drill(
        full,
        "died",
        canary={"times": 1, "seconds": 3.0},
        short={"times": 1, "seconds": 1.5},
    ),
    "pills": Drill(
        pills,
        "stuck",
        canary={"kinds": ("exit 0",), "each": 1, "good": 20},
        canary_patience=24.0,
        short={"kinds": ("exit 0", "segfault"), "each": 1, "good": 40},
    ),
    "corruption": Drill(
        corruption,
        "died",
        canary={"states": ("queued",)},
        canary_patience=15.0,
        short={"fields": ("status", "data"), "delay": 2.0},
    ),
    "clock": Drill(
        clock,
        "extra",
        canary_patience=30.0,
        short={"jobs": 40, "seconds": 1.0, "with_faketime": False},
    ),
    "mixed": Drill(
        mixed,
        "idle",
        canary={"jobs": 900, "fewest": 20},
        canary_patience=60.0,
    ),
    "letters": Drill(letters),
    "stream-kills": Drill(stream_kills, short={"kills": 8, "within": 5.0}),
    "stream-slow": Drill(stream_slow, short={"times": 3.0}),
    "stream-freeze": Drill(stream_freeze, short={"each": 1}),
    "stream-race": Drill(stream_race, short={"entries": 200}),
    "stream-trim": Drill(stream_trim, short={"messages": 3_000, "limit": 200}),
    "stream-harm": Drill(stream_harm, short={"rounds": 1}),
    "stream-limit": Drill(stream_limit, short={"good": 10}),
    "stream-idle": Drill(stream_idle, short={"consumers": 1_000, "within": 3.0, "longest": 0.25}),
    "stream-million": Drill(stream_million),
}
"""In the order in which they are played."""
