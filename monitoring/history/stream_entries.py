"""The entries of streams, done or not: what is done goes first when a stream is full."""

from collections.abc import Sequence

from monitoring.answers import as_text
from monitoring.history.kinds import Found, Kind, Saving
from monitoring.history.proposals import fewer
from monitoring.history.rounds import Reading, size_of
from monitoring.packing import command
from workers import stream_keys
from workers.settings import Settings

_MEASURED = 50


def stream_entries(settings: Settings) -> Reading[Found]:
    """Measure up to 50 streams, in two round trips.

    Args:
        settings: How long a stream may be.
    """
    known = stream_keys.streams()
    count, chosen = yield [
        command("SCARD", known),
        command("SRANDMEMBER", known, str(_MEASURED)),
    ]
    names = [as_text(each) for each in chosen or ()]
    answers = yield [
        *(command("XLEN", name) for name in names),
        *(size_of(name) for name in names),
    ]
    numbers = [int(each or 0) for each in answers]
    lengths, sizes = numbers[: len(names)], numbers[len(names) :]
    share = int(count or 0) / max(1, len(names))
    instead = fewer(settings.stream_limit, 1)
    estimates = ("bytes",) if share <= 1 else ("entries", "bytes")
    kind = Kind(
        "streams",
        round(share * sum(lengths)),
        round(share * sum(sizes)),
        len(names),
        estimates,
        ("STREAM_LIMIT",),
    )
    return Found(
        (kind,), (Saving("STREAM_LIMIT", instead, round(share * _over(lengths, sizes, instead))),)
    )


def _over(lengths: Sequence[int], sizes: Sequence[int], limit: int) -> float:
    return sum(
        size * max(0, length - limit) / max(1, length)
        for length, size in zip(lengths, sizes, strict=True)
    )
