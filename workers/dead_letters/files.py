"""Dead letters as lines of JSON, one object a line, out of Redis and into it again."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import redis
from pydantic import TypeAdapter, ValidationError

from workers import keys
from workers.audit import By
from workers.connection import storage_errors
from workers.dead_letters.bulk import Progress
from workers.dead_letters.errors import InvalidLetter
from workers.dead_letters.letter import DeadLetter, as_text, summary
from workers.dead_letters.selection import Filter, snapshot
from workers.dead_letters.store import letter_keys, score, with_tenants

_CHUNK = 50  # letters in memory at a time; each may have some hundred kB
_NAMED = 1_000  # lines of a kind that are told of one by one
_LETTER = TypeAdapter(DeadLetter)


@dataclass(frozen=True)
class RefusedLine:
    """A line that is no dead letter: its number, from 1, and what is wrong with it."""

    line: int
    error: str


@dataclass(frozen=True)
class Imported:
    """What became of a file's lines.

    Args:
        imported: Letters that were not there.
        restored: Letters of which only the short form was there: the spill file's.
        there: Letters that were there, so they were skipped.
        replayed: Letters that were replayed since they were written, so they were skipped.
        requeued: Letters whose job was run again since, so they were skipped.
        successors: Of the first 1,000 that were replayed, the job id and that of the new job.
        refused: How many lines are no letters.
        lines: The first 1,000 of those.
    """

    imported: int = 0
    restored: int = 0
    there: int = 0
    replayed: int = 0
    requeued: int = 0
    successors: Mapping[str, str] = field(default_factory=dict)
    refused: int = 0
    lines: Sequence[RefusedLine] = ()

    @property
    def skipped(self) -> int:
        """How many letters were left out, for one of the three reasons."""
        return self.there + self.replayed + self.requeued


@dataclass
class _Tally:
    outcomes: Counter[str] = field(default_factory=Counter)
    successors: dict[str, str] = field(default_factory=dict)
    refused: list[RefusedLine] = field(default_factory=list)

    def add(self, job_id: str, outcome: str) -> None:
        how, _, successor = outcome.partition(" ")
        self.outcomes[how] += 1
        if successor and len(self.successors) < _NAMED:
            self.successors[job_id] = successor

    def refuse(self, number: int, error: InvalidLetter) -> None:
        self.outcomes["refused"] += 1
        if len(self.refused) < _NAMED:
            self.refused.append(RefusedLine(number, error.message))


def export_letters(
    wanted: Filter | None = None, *, by: By, connection: redis.Redis
) -> Iterator[str]:
    """Write letters, secrets included, in the form that `import_letters` reads.

    Args:
        wanted: Which letters; None means all.
        by: Who does it, and why: whoever has the file can read every message in it.
        connection: Where.

    Yields:
        One line each, without a line break, oldest first.
    """
    wanted = wanted or Filter()
    with storage_errors():
        ids = iter(snapshot(wanted, connection=connection))
        details: dict[str, Any] = {"filter": wanted.described()}
        by.record(
            "dead_letter.export",
            target="dead letters",
            details=details,
            connection=connection,
        )
        while chunk := list(islice(ids, _CHUNK)):
            texts: Any = connection.mget([keys.dead_letter(job_id) for job_id in chunk])
            yield from (text.decode() for text in texts if text is not None)


def import_letters(
    lines: Iterable[str | bytes],
    *,
    by: By,
    progress: Progress | None = None,
    connection: redis.Redis,
) -> Imported:
    """Bring letters back, from an export or from the spill file, whatever the limit is.

    It may be repeated: a letter that is there is skipped, and so is one whose message has run again
    since, by a replay or by `rq requeue`, as long as that is remembered: DEAD_LETTER_DAYS. One that
    was purged comes back. Lines that are no letters are refused one by one.

    Args:
        lines: The file's lines; empty ones do not matter.
        by: Who does it, and why.
        progress: Is told after each fifty lines how many are read; how many there are is not known.
        connection: Where.

    Returns:
        How many letters came back, were skipped and why, or were refused.
    """
    by.entry("dead_letter.import", target="dead letters")
    tally = _Tally()
    numbered = enumerate(lines, 1)
    with storage_errors():
        while chunk := list(islice(numbered, _CHUNK)):
            for job_id, outcome in _restore(list(_read(chunk, tally)), connection):
                tally.add(job_id, outcome)
            if progress is not None:
                progress(chunk[-1][0], None)
        counts = dict(tally.outcomes)
        by.record(
            "dead_letter.import",
            target="dead letters",
            details={**counts},
            connection=connection,
        )
    return Imported(**counts, successors=tally.successors, lines=tally.refused)


def read_letter(line: str | bytes) -> DeadLetter:
    """A letter from a line, checked.

    Args:
        line: One JSON object, as `as_text` writes it.

    Returns:
        The letter.

    Raises:
        InvalidLetter: If it is none; the error says what is wrong.
    """
    try:
        letter = _LETTER.validate_python(json.loads(line))
        score(letter)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise InvalidLetter(f"It is no dead letter: {path}: {first['msg']}.", field=path) from error
    except (ValueError, RecursionError) as error:
        raise InvalidLetter(f"It is no dead letter: {error}.") from error
    if not letter.job_id:
        raise InvalidLetter("It is no dead letter: it has no job_id.", field="job_id")
    return letter


def _read(chunk: Iterable[tuple[int, str | bytes]], tally: _Tally) -> Iterator[DeadLetter]:
    for number, line in chunk:
        if not line.strip():
            continue
        try:
            yield read_letter(line)
        except InvalidLetter as error:
            tally.refuse(number, error)


def _restore(letters: Sequence[DeadLetter], connection: redis.Redis) -> Iterator[tuple[str, str]]:
    run = connection.register_script(with_tenants("restore_letter"))
    with connection.pipeline(transaction=False) as pipe:
        for letter in letters:
            args = (
                letter.job_id,
                score(letter),
                as_text(letter),
                as_text(summary(letter)),
                int(letter.spilled),
            )
            left = keys.dead_letter_left(letter.job_id)
            run(keys=[*letter_keys(letter.job_id), left], args=args, client=pipe)
        outcomes = [outcome.decode() for outcome in pipe.execute()]
    return ((each.job_id, how) for each, how in zip(letters, outcomes, strict=True))
