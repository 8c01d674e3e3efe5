"""What a drill found, and the table of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

NONE = {"lost": 0, "phantom": 0, "split": 0, "stuck": 0, "residue": 0, "unfired": 0}
"""Limits of every drill; a fault that did not fire makes the drill worthless."""


@dataclass(frozen=True)
class Result:
    """What one run of a drill found.

    Args:
        counts: Finding -> how often.
        limits: Finding -> how often at most; findings without a limit are told only.
        facts: What else a reader wants to know.
        examples: Finding -> a few jobs or sentences behind it.
    """

    counts: Mapping[str, float]
    limits: Mapping[str, float]
    facts: Mapping[str, object] = field(default_factory=dict)
    examples: Mapping[str, list[str]] = field(default_factory=dict)

    def broken(self) -> list[str]:
        """The findings that are over their limit."""
        limits = {**NONE, **self.limits}
        return [name for name, most in limits.items() if self.counts.get(name, 0) > most]

    def with_count(self, name: str, count: float) -> "Result":
        """The same with one more finding."""
        return replace(self, counts={**self.counts, name: count})

    def with_titles(self, titles: Mapping[str, str]) -> "Result":
        """The same with words for the jobs that have some."""
        named = {
            name: [f"{job} {titles.get(job, '')}".strip() for job in jobs]
            for name, jobs in self.examples.items()
        }
        return replace(self, examples=named)

    def words(self) -> str:
        """The counts, the facts, and what is behind the findings that are over their limit."""
        told = [f"{name} {count:g}" for name, count in self.counts.items()]
        told += [f"{name} {fact}" for name, fact in self.facts.items()]
        lines = ["  ".join(told)]
        for name in self.broken():
            lines += [f"    {name}: {example}" for example in self.examples.get(name, [])[:8]]
        return "\n".join(lines)


@dataclass(frozen=True)
class Run:
    """A drill that was played, on our side or as its canary."""

    name: str
    seed: int
    seconds: float
    result: Result
    canary: str | None = None

    @property
    def good(self) -> bool:
        """Green on our side; as a canary, red for the reason that was named."""
        broken = self.result.broken()
        return self.canary in broken if self.canary else not broken

    def row(self) -> str:
        """One row of the table."""
        verdict = "ok" if self.good else "FAILED"
        if self.canary:
            verdict = f"red: {self.canary}" if self.good else f"NO {self.canary}"
        over = "" if self.good and not self.canary else f"  [{', '.join(self.result.broken())}]"
        head = f"{self.name:10} {verdict:13} {self.seconds:6.1f} s  seed {self.seed:<6}"
        return f"{head} {self.result.words()}{over}"
