"""The jobs that have ended: their records, results, attempts and logs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from monitoring.answers import as_text
from monitoring.history.kinds import Found, Kind, Saving
from monitoring.history.proposals import fewer, shorter
from monitoring.history.rounds import Reading, size_of, spread
from monitoring.packing import command
from workers import keys
from workers.settings import Settings

_MEASURED = 60  # jobs of each place
_LEAST_FINISHED, _LEAST_FAILED = 100, 50  # what the settings allow
_BESIDE = (keys.result, keys.attempts, keys.job_log)
_NAMES = ("results", "attempts", "jobLogs")


class _Place(NamedTuple):
    """Where the jobs of one kind stand, in each list of a queue."""

    kind: str
    key: Any
    is_list: bool = False


_PLACES = (
    _Place("finishedJobs", keys.finished),
    _Place("finishedJobs", keys.without_result, is_list=True),
    _Place("failedJobs", keys.failed),
    _Place("canceledJobs", keys.canceled),
)
_KINDS = {
    "finishedJobs": ("RESULT_TTL", "KEEP_FINISHED", "KEEP_PAYLOAD"),
    "failedJobs": ("FAILURE_TTL", "KEEP_FAILED"),
    "canceledJobs": ("FAILURE_TTL",),
}
"""What is told of them, and the settings that say how many are kept."""


@dataclass(frozen=True)
class _Job:
    """One job that was measured."""

    record: int
    beside: tuple[int | None, ...]
    seconds_left: float
    payload: int

    @property
    def total(self) -> int:
        return self.record + sum(each or 0 for each in self.beside)


@dataclass(frozen=True)
class _Sample:
    """What is known of one place in all lists."""

    place: _Place
    counts: Sequence[int]
    jobs: Sequence[_Job]
    places_bytes: float

    @property
    def count(self) -> int:
        return sum(self.counts)

    def all_of(self, measured: float) -> float:
        """What a sum over the sample is for all."""
        return measured * self.count / len(self.jobs) if self.jobs else 0.0


def ended_jobs(lists: Sequence[str], settings: Settings) -> Reading[Found]:
    """Measure up to 240 jobs, in three round trips.

    Args:
        lists: The names of all lists of queues.
        settings: What is kept.
    """
    lengths = yield [_length(place, name) for place in _PLACES for name in lists]
    counts = [[int(each or 0) for each in part] for part in _parts(lengths, len(lists))]
    picks = [_picks(each) for each in counts]
    asked = [
        _entry(place, lists[at], rank)
        for place, chosen in zip(_PLACES, picks, strict=True)
        for at, rank in chosen
    ]
    ids = iter((yield asked))
    chosen_ids = [[each for _ in chosen if (each := _id(next(ids)))] for chosen in picks]
    largest = [_largest(place, lists, found) for place, found in zip(_PLACES, counts, strict=True)]
    sizes = iter(
        (
            yield [
                *(size_of(key) for key, _ in largest),
                *(each for of in chosen_ids for job_id in of for each in _measures(job_id)),
            ]
        )
    )
    per_entry = [int(next(sizes) or 0) / max(1, length) for _, length in largest]
    samples = [
        _Sample(place, found, [_job(sizes) for _ in of], each * sum(found))
        for place, found, of, each in zip(_PLACES, counts, chosen_ids, per_entry, strict=True)
    ]
    return Found(tuple(_kinds(samples)), tuple(_savings(samples, settings)))


def _length(place: _Place, name: str) -> bytes:
    return command("LLEN" if place.is_list else "ZCARD", place.key(name))


def _entry(place: _Place, name: str, rank: int) -> bytes:
    key = place.key(name)
    if place.is_list:
        return command("LRANGE", key, str(rank), str(rank))
    return command("ZRANGE", key, str(rank), str(rank))


def _id(answer: Any) -> str:
    return as_text(answer[0]) if answer else ""


def _parts(answers: Sequence[Any], size: int) -> Sequence[Sequence[Any]]:
    return [answers[place * size : (place + 1) * size] for place in range(len(_PLACES))]


def _picks(counts: Sequence[int]) -> Sequence[tuple[int, int]]:
    """Which entries are measured: the place of their list, and theirs in it."""
    ends, found, at = list(accumulate(counts)), [], 0
    for rank in spread(sum(counts), _MEASURED):
        while rank >= ends[at]:
            at += 1
        found.append((at, rank - ends[at] + counts[at]))
    return found


def _largest(place: _Place, lists: Sequence[str], counts: Sequence[int]) -> tuple[str, int]:
    at = max(range(len(lists)), key=counts.__getitem__)
    return place.key(lists[at]), counts[at]


def _measures(job_id: str) -> Iterator[bytes]:
    yield size_of(keys.job(job_id))
    yield from (size_of(key(job_id)) for key in _BESIDE)
    yield command("PTTL", keys.job(job_id))
    yield command("HSTRLEN", keys.job(job_id), "data")


def _job(answers: Iterator[Any]) -> _Job:
    record = int(next(answers) or 0)
    beside = tuple(None if (size := next(answers)) is None else int(size) for _ in _BESIDE)
    left, payload = next(answers), next(answers)
    return _Job(record, beside, int(left or 0) / 1000, int(payload or 0))


def _kinds(samples: Sequence[_Sample]) -> Iterator[Kind]:
    for name, settings in _KINDS.items():
        mine = [each for each in samples if each.place.kind == name]
        size = sum(each.all_of(sum(job.record for job in each.jobs)) for each in mine)
        size += sum(each.places_bytes for each in mine)
        measured = sum(len(each.jobs) for each in mine)
        entries = sum(each.count for each in mine)
        yield Kind(name, entries, round(size), measured, settings=settings)
    for place, name in enumerate(_NAMES):
        yield _beside(name, place, samples)


def _beside(name: str, place: int, samples: Sequence[_Sample]) -> Kind:
    entries = size = 0.0
    measured = 0
    for each in samples:
        sizes = [job.beside[place] for job in each.jobs]
        there = [size for size in sizes if size is not None]
        entries, size = entries + each.all_of(len(there)), size + each.all_of(sum(there))
        measured += len(sizes)
    estimates = ("entries", "bytes")
    settings = ("RESULT_TTL", "FAILURE_TTL")
    return Kind(name, round(entries), round(size), measured, estimates, settings)


def _savings(samples: Sequence[_Sample], settings: Settings) -> Iterator[Saving]:
    for each in samples:
        is_finished = each.place.kind == "finishedJobs"
        name = "RESULT_TTL" if is_finished else "FAILURE_TTL"
        kept = settings.result_ttl if is_finished else settings.failure_ttl
        instead = shorter(kept)
        gone = [job.total for job in each.jobs if 0 < job.seconds_left < kept - instead]
        yield Saving(name, instead, round(each.all_of(sum(gone))))
    _, without, failed, _ = samples
    yield _by_count("KEEP_FINISHED", settings.keep_finished, _LEAST_FINISHED, without)
    yield _by_count("KEEP_FAILED", settings.keep_failed, _LEAST_FAILED, failed)
    if settings.keep_payload == "all":
        payloads = sum(each.all_of(sum(job.payload for job in each.jobs)) for each in samples[:2])
        yield Saving("KEEP_PAYLOAD", "failures", round(payloads))


def _by_count(name: str, kept: int, least: int, sample: _Sample) -> Saving:
    instead = fewer(kept, least)
    gone = sum(max(0, each - instead) for each in sample.counts)
    total = sample.all_of(sum(job.total for job in sample.jobs)) + sample.places_bytes
    return Saving(name, instead, round(total * gone / max(1, sample.count)))
