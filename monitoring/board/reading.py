"""What the numbers of a period say: one sentence, and a row for each type. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitoring.board.wording import count, duration, percent
from monitoring.numbers.compared import Compared
from monitoring.numbers.figures import Figures
from monitoring.numbers.histograms import Histogram, upper_ms
from monitoring.words import listed

_ENOUGH = 20  # runs that a p95 is compared of; fewer are chance
_SLOWER = 1.5
_SAME = 1.2
_WAITS_LONGER = 3.0
_LONG_WAIT = 1_000.0  # ms; below, nobody notices
_WORSE = 1.0  # percent points that fewer succeed
_MOST_SAID = 2

STEPS_MS = (1, 5.5, 29, 158, 860, 4_700, 25_600, 139_000, 600_000)
"""Between these times runs are counted together: from 1 ms to 10 min, each 5.4 times the last."""

_NOTHING = Figures()


@dataclass(frozen=True)
class TypeRow:
    """What ended of a type.

    Args:
        name: The type.
        figures: In this period.
        before: In the one before it.
    """

    name: str
    figures: Figures
    before: Figures = _NOTHING

    @property
    def runs(self) -> int:
        """How many jobs ended."""
        return self.figures.ended

    @property
    def success(self) -> float:
        """Of 100, how many succeeded."""
        return share(self.figures)

    @property
    def is_bad(self) -> bool:
        """Whether fewer succeed than before, or one in ten fails."""
        fell = self.before.ended and share(self.before) - self.success >= _WORSE
        return bool(fell) or self.success < 100 - 10 * _WORSE

    @property
    def p50(self) -> float | None:
        """How long half of the runs took at most, in ms."""
        return self.figures.run.quantile_ms(0.5)

    @property
    def p95(self) -> float | None:
        """How long 95 of 100 runs took at most, in ms."""
        return self.figures.run.quantile_ms(0.95)

    @property
    def wait95(self) -> float | None:
        """How long 95 of 100 waited at most, in ms."""
        return self.figures.wait.quantile_ms(0.95)

    @property
    def times(self) -> float | None:
        """How many times as long runs take as before, by p95; None if there are too few."""
        return _times(self.before.run, self.figures.run)

    @property
    def change(self) -> str:
        """The same in words."""
        if not self.before.ended:
            return "new"
        times = self.times
        if times is None:
            return "too few"
        if times >= _SAME:
            return f"{_fold(times)} slower"
        return f"{_fold(1 / times)} faster" if times <= 1 / _SAME else "as before"

    @property
    def is_slower(self) -> bool:
        """Whether it got so much slower that it is worth a look."""
        return (self.times or 0) >= _SLOWER

    @property
    def bars(self) -> str:
        """The small histogram of its runs."""
        return bars_path(self.figures.run)


def rows_of(compared: Compared) -> Sequence[TypeRow]:
    """A row for each type of which something ended, the busiest first.

    Args:
        compared: Both periods.
    """
    before = compared.types_before
    rows = [
        TypeRow(name, each, before.get(name, _NOTHING)) for name, each in compared.types.items()
    ]
    return sorted((row for row in rows if row.runs), key=lambda row: (-row.runs, row.name))


def bars_path(times: Histogram) -> str:
    """A small histogram in a box of 80 by 22, a bar for each span of `STEPS_MS`.

    Args:
        times: Of runs; the first bar has all that is shorter, the last all that is longer.

    Returns:
        An SVG path; empty if nothing ran.
    """
    found = [0] * (len(STEPS_MS) - 1)
    for place, number in times.places.items():
        found[sum(upper_ms(place) > step for step in STEPS_MS[1:-1])] += number
    most = max(found) or 1
    heights = [round(22 * each / most, 1) for each in found]
    return "".join(
        f"M{10 * at} 22v-{high:g}h9v{high:g}z" for at, high in enumerate(heights) if high
    )


def reading(compared: Compared, *, length: str) -> str:
    """What is so, in one or two sentences.

    Args:
        compared: Both periods.
        length: Of one, in words, such as `24 hours`.
    """
    now, before = _all(compared.types), _all(compared.types_before)
    if not now.ended:
        return f"Nothing ended in these {length}."
    jobs = "job" if now.ended == 1 else "jobs"
    first = f"{percent(share(now))} of {count(now.ended)} {jobs} succeeded"
    if before.ended:
        first += f"; in the {length} before, {percent(share(before))} of {count(before.ended)}"
    said: dict[str, str] = {}
    for name, change in _changes(compared):
        said.setdefault(name, change)  # the first thing that is said of a type explains the others
    if said:
        changes = listed(list(said.values())[:_MOST_SAID])
        return f"{first}. {changes[:1].upper()}{changes[1:]}."
    if before.ended:
        return f"{first}. No type got slower or fails more often."
    return f"{first}. There is no time before to compare with."


def _changes(compared: Compared) -> Iterator[tuple[str, str]]:
    """What got worse, the worst kind first; since the newest release if that explains it."""
    rows = rows_of(compared)
    for row in sorted(rows, key=lambda row: row.success):
        if row.is_bad and not row.before.ended:
            yield row.name, f"of {row.name} only {percent(row.success)} succeed"
        elif row.is_bad:
            shares = f"{percent(row.success)} succeed, {percent(share(row.before))} did before"
            yield row.name, f"{row.name} fails more often ({shares})"
    yield from _since_deploy(compared)
    for row in sorted(rows, key=lambda row: -(row.times or 0)):
        if row.is_slower:
            p95 = duration(row.p95)
            yield row.name, f"{row.name} got {_fold(row.times or 0)} slower than before (p95 {p95})"
    for row in rows:
        longer = _times(row.before.wait, row.figures.wait)
        if longer and longer >= _WAITS_LONGER and (row.wait95 or 0) >= _LONG_WAIT:
            told = f"{row.name} waits {_fold(longer)} longer (p95 {duration(row.wait95)})"
            yield row.name, told


def _since_deploy(compared: Compared) -> Iterator[tuple[str, str]]:
    if not compared.deploys:
        return
    deploy = compared.deploys[-1]
    before, after = compared.around(deploy.at)
    found = {
        name: times
        for name, each in after.items()
        if (times := _times(before.get(name, _NOTHING).run, each.run))
    }
    for name, times in sorted(found.items(), key=lambda each: -each[1]):
        if times >= _SLOWER:
            told = f"{name} got {_fold(times)} slower since the deploy of {deploy.version[:12]}"
            yield name, told


def share(figures: Figures) -> float:
    """Of 100 jobs that ended, how many succeeded; 100 if none did end.

    Args:
        figures: Of a type, or all.
    """
    return 100 * figures.finished / figures.ended if figures.ended else 100.0


def _all(types: Mapping[str, Figures]) -> Figures:
    return Figures.together(types.values())


def _times(before: Histogram, now: Histogram) -> float | None:
    was, is_now = before.quantile_ms(0.95), now.quantile_ms(0.95)
    if min(before.count, now.count) < _ENOUGH or not was or not is_now:
        return None
    return is_now / was


def _fold(times: float) -> str:
    figures = f"{times:.1f}" if times < 10 else f"{times:.0f}"  # noqa: PLR2004 - figures that matter
    return f"{figures}\N{MULTIPLICATION SIGN}"
