"""The states of a job as a drawing: boxes, the ways between them, its runs on a clock. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from monitoring.board.job_steps import all_attempts
from monitoring.board.wording import count, duration

_BEGIN, _END = 8.0, 1112.0  # where the clock begins and ends, of 1120
_LEAST = 3.0  # width of the shortest run, so that it is seen
_TICKS = 5

_PLACES: Mapping[str, tuple[int, int, int]] = {
    "sent": (10, 28, 114),
    "waiting": (198, 28, 150),
    "active": (448, 28, 150),
    "completed": (820, 28, 170),
    "before": (198, 148, 150),
    "backing off": (448, 148, 150),
    "over": (820, 148, 170),
}
"""Where boxes stand and how wide they are; each is 54 high."""
_NAMES: Mapping[str, str] = {
    "sent": "Sent",
    "waiting": "Waiting",
    "active": "Running",
    "completed": "Succeeded",
    "delayed": "Scheduled",
    "deferred": "Waits for others",
    "backing off": "Backing off",
    "failed": "Dead letter",
    "stopped": "Stopped",
    "canceled": "Cancelled",
    "replayed": "Sent again",
}
_COLOURS: Mapping[str, str] = {
    "active": "r",
    "completed": "o",
    "delayed": "d",
    "deferred": "d",
    "backing off": "d",
    "failed": "f",
    "stopped": "f",
}
_BEFORE = ("delayed", "deferred")
_OVER = ("replayed", "failed", "stopped", "canceled")


@dataclass(frozen=True)
class Box:
    """A state.

    Args:
        x: Its left edge.
        y: Its top edge.
        width: How wide it is.
        look: `box`, `now` or `ghost` (not reached).
        colour: The letter of its mark.
        name: What it is called.
        note: How often and for how long.
    """

    x: int
    y: int
    width: int
    look: str
    colour: str
    name: str
    note: str


@dataclass(frozen=True)
class Edge:
    """A way from one state to another.

    Args:
        path: Of the line.
        head: Of its arrow.
        look: Empty, `g` (not gone) or `hot` (by a failure).
        text: Beside it.
        at: Where the text stands.
    """

    path: str
    head: str
    look: str
    text: str = ""
    at: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Bar:
    """A span on the clock, from `x` on, `width` wide; `kind` is the letter of its colour."""

    x: str
    width: str
    kind: str
    is_run: bool


@dataclass(frozen=True)
class Machine:
    """The drawing.

    Args:
        boxes: The states.
        edges: The ways.
        bars: Where the job was when.
        ticks: Places on the clock and what they are called.
        now: Where now is; None if the job is over.
        coming: Where what is still to come begins and how wide it is; None if nothing is known.
    """

    boxes: Sequence[Box]
    edges: Sequence[Edge]
    bars: Sequence[Bar]
    ticks: Sequence[tuple[str, str]]
    now: str | None
    coming: tuple[str, str] | None


def machine_of(detail: Mapping[str, Any], *, now: datetime) -> Machine:
    """Draw what became of a job.

    Args:
        detail: As `get_job_detail` tells it.
        now: The time.
    """
    states = {each["state"]: each for each in detail["states"]}
    failures = sum(each.get("outcome") in {"retried", "dead"} for each in detail["attempts"])
    bars, ticks, there, coming = _clock(detail, now)
    return Machine(
        list(_boxes(detail, states)), list(_edges(states, failures)), bars, ticks, there, coming
    )


def _boxes(detail: Mapping[str, Any], states: Mapping[str, Any]) -> Iterator[Box]:
    sent = detail["createdAt"]
    yield _box("sent", "sent", "box", sent[11:19] if sent else "not known")
    for place, among in (
        ("waiting", ("waiting",)),
        ("active", ("active",)),
        ("completed", ("completed",)),
        ("before", _BEFORE),
        ("backing off", ("backing off",)),
        ("over", _OVER),
    ):
        state = next((each for each in among if each in states), None)
        if state is not None:
            told = states[state]
            yield _box(place, state, "now" if told["isPresent"] else "box", _note(told, detail))
        elif place != "before":
            yield _box(place, "failed" if place == "over" else place, "ghost", "not reached")


def _box(place: str, state: str, look: str, note: str) -> Box:
    x, y, width = _PLACES[place]
    return Box(x, y, width, look, _COLOURS.get(state, "w"), _NAMES[state], note)


def _note(told: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    every = all_attempts(detail) if told["state"] == "active" else 0
    known = f"{count(told['count'])} of {count(every)}" if every else count(told["count"])
    times = "" if told["count"] == 1 else f"{known} times, "
    if told["totalMs"] is None:
        at = next(each["at"] for each in detail["timeline"] if each["state"] == told["state"])
        return f"{times}{at[11:19]}"
    return f"{times}{duration(told['totalMs'])}{' so far' if told['isPresent'] else ''}"


def _edges(states: Mapping[str, Any], failures: int) -> Iterator[Edge]:
    before = next((each for each in _BEFORE if each in states), None)
    if before:
        yield Edge("M67 82V175H196", "M198 175l-7 -4v8z", "")
        gone = "" if "waiting" in states else "g"
        yield Edge("M273 148V88", "M273 84l-4 7h8z", gone)
    else:
        yield Edge("M124 55H196", "M198 55l-7 -4v8z", "" if "waiting" in states else "g")
    runs = states["active"]["count"] if "active" in states else 0
    yield Edge(
        "M348 55H446", "M448 55l-7 -4v8z", "" if runs else "g", "taken" if runs else "", (398, 47)
    )
    done = "completed" in states
    yield Edge("M598 55H818", "M820 55l-7 -4v8z", "" if done else "g")
    backs_off = "backing off" in states
    failed = f"{failures} of {runs} failed" if failures and runs else ""
    yield Edge(
        "M523 82V146",
        "M523 148l-4 -7h8z",
        "hot" if backs_off else "g",
        failed if backs_off else "",
        (588, 119),
    )
    if backs_off:
        yield Edge("M448 192H300V86", "M300 84l-4 7h8z", "", "again", (372, 184))
    yield _to_the_end(states, failed, backs_off=backs_off)


def _to_the_end(states: Mapping[str, Any], failed: str, *, backs_off: bool) -> Edge:
    is_over = any(each in states for each in _OVER)
    if not is_over:
        return Edge(
            "M598 175H818", "M820 175l-7 -4v8z", "g", "if the last attempt fails", (708, 166)
        )
    if "active" not in states:
        return Edge("M348 68H390V225H905V206", "M905 202l-4 7h8z", "")
    look = "" if "canceled" in states else "hot"
    text = "" if backs_off else failed
    return Edge("M598 68H700V175H818", "M820 175l-7 -4v8z", look, text, (758, 119))


def _clock(
    detail: Mapping[str, Any], now: datetime
) -> tuple[Sequence[Bar], Sequence[tuple[str, str]], str | None, tuple[str, str] | None]:
    spans = detail["timeline"]
    if not spans:
        return (), (), None, None
    begin = datetime.fromisoformat(spans[0]["at"])
    is_over = spans[-1]["state"] in {"completed", *_OVER}
    reached = datetime.fromisoformat(spans[-1]["at"]) if is_over else now
    due = datetime.fromisoformat(detail["dueAt"]) if detail["dueAt"] else None
    end = max(reached, due or reached, begin + timedelta(milliseconds=1))
    scale = (_END - _BEGIN) / (end - begin).total_seconds()

    def place(moment: datetime) -> float:
        return _BEGIN + max(0.0, (moment - begin).total_seconds()) * scale

    bars = [_bar(each, place, reached) for each in spans if each["until"] or not is_over]
    step = (end - begin) / (_TICKS - 1)
    moments = [begin + number * step for number in range(_TICKS)]
    ticks = [(f"{place(each):.0f}", _told(each, begin, step)) for each in moments]
    coming = (f"{place(reached):.1f}", f"{place(due) - place(reached):.1f}") if due else None
    return bars, ticks, None if is_over else f"{place(now):.1f}", coming


def _bar(told: Mapping[str, Any], place: Any, reached: datetime) -> Bar:
    left = place(datetime.fromisoformat(told["at"]))
    right = place(datetime.fromisoformat(told["until"]) if told["until"] else reached)
    is_run = told["state"] == "active"
    bad = is_run and told.get("outcome") not in {"completed", "running", "handed_back"}
    kind = (
        "f"
        if bad
        else "o"
        if told.get("outcome") == "completed"
        else _COLOURS.get(told["state"], "w")
    )
    return Bar(f"{left:.1f}", f"{max(_LEAST, right - left):.1f}", kind, is_run)


def _told(moment: datetime, begin: datetime, step: timedelta) -> str:
    """The time of the day, or how long after the begin where that says nothing."""
    if step < timedelta(seconds=2) and moment > begin:
        return f"+{duration((moment - begin).total_seconds() * 1000)}"
    return f"{moment.astimezone(UTC):{'%H:%M' if step >= timedelta(minutes=1) else '%H:%M:%S'}}"


def summed(detail: Mapping[str, Any], *, now: datetime) -> str:
    """How long it all took, and in which states.

    Args:
        detail: As `get_job_detail` tells it.
        now: The time.
    """
    words = {"active": "of work", "waiting": "in the queue", "backing off": "backing off"}
    parts = [
        f"{duration(each['totalMs'])} {words.get(each['state'], each['state'])}"
        for each in detail["states"]
        if each["totalMs"] is not None
    ]
    if not parts:
        return ""
    spans = detail["timeline"]
    begin = datetime.fromisoformat(spans[0]["at"])
    is_over = spans[-1]["state"] in {"completed", *_OVER}
    end = datetime.fromisoformat(spans[-1]["at"]) if is_over else now
    whole = duration(max(0.0, (end - begin).total_seconds()) * 1000)
    return f"{whole}{'' if is_over else ' so far'}: {', '.join(parts)}"
