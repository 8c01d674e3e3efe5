"""What the palette offers for what was typed: each thing that can be opened or done. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from monitoring.board.page import PLACES
from monitoring.board.standing import Standing
from monitoring.board.wording import count
from monitoring.words import number
from workers.routing import queue_of

JsonDict = dict[str, Any]

MOST = 14
"""Options that are shown at once."""
_OF_A_KIND = 4
_NEEDS = 3


@dataclass(frozen=True)
class Option:
    """One line of the palette.

    Args:
        icon: Of `Marks.icon`.
        text: Before the name, such as `Queue`.
        name: What it is about.
        kind: What kind of thing it is, or how much there is of it; stands at the right.
        url: Of a page, or of a dialog.
        opens: Whether it is a dialog.
        more: Behind the name.
    """

    icon: str
    text: str
    name: str
    kind: str
    url: str
    opens: bool = False
    more: str = ""

    @property
    def words(self) -> str:
        """All that it can be found by, in small letters."""
        return f"{self.text} {self.name} {self.more}".lower()


@dataclass(frozen=True)
class Known:
    """What there is to choose from.

    Args:
        standing: How things stand; None for who may see one tenant only.
        groups: Open failure groups, as `get_failure_groups` tells them.
        streams: Names of streams that fit what was typed.
        types: Names of the message types.
        jobs: Whose id is, or begins with, what was typed; as `search_jobs` tells them.
        may_act: Whether actions are offered.
        root: What stands in front of the paths of pages.
    """

    standing: Standing | None = None
    groups: Sequence[JsonDict] = ()
    streams: Sequence[str] = ()
    types: Sequence[str] = ()
    jobs: Sequence[JsonDict] = ()
    may_act: bool = False
    root: str = ""


def options_for(typed: str, known: Known) -> Sequence[Option]:
    """What is offered, the likeliest first.

    Args:
        typed: May be empty: then it is what needs a person, and the places.
        known: What there is to choose from.
    """
    words = typed.lower().split()
    if not words:
        return [*_needs(known), *_places(known)][:MOST]
    kinds = (_actions, _groups, _queues, _streams, _types, _places)
    found = [option for kind in kinds for option in _best(words, kind(known))]
    jobs = [_job(each, known.root) for each in known.jobs[:_OF_A_KIND]]
    return [*jobs, *found[: MOST - len(jobs) - 1], _search(typed, known.root)]


def _best(words: Sequence[str], options: Iterable[Option]) -> Sequence[Option]:
    """Those with all words; first those whose name is one of them, then those that begin so."""
    fits = [each for each in options if all(word in each.words for word in words)]

    def distance(option: Option) -> int:
        name = option.name.lower()
        if name in words:
            return 0
        return 1 if any(name.startswith(word) for word in words) else 2

    return sorted(fits, key=distance)[:_OF_A_KIND]


def _needs(known: Known) -> Iterator[Option]:
    for need in known.standing.needs[:_NEEDS] if known.standing else ():
        button = need.buttons[0] if need.buttons else None
        if button is None or (button.opens and not known.may_act):
            yield Option("bell", "", need.title, "Needs you", f"{known.root}/")
        else:
            url = f"{known.root}{button.url}" if button.opens else button.url
            yield Option("bell", "", need.title, button.label, url, button.opens)


def _actions(known: Known) -> Iterator[Option]:
    if not known.may_act:
        return
    paused = {(each.pause.kind, each.pause.name) for each in _pauses(known)}
    for kind, name in sorted(paused):
        yield _action("play", "Resume", kind, name, known.root)
    things = [("type", name) for name in known.types]
    things += [("queue", name) for name in _names(known)]
    for kind, name in things:
        if (kind, name) not in paused:
            yield _action("pause", "Pause", kind, name, known.root)
    for name in known.types:
        yield Option("send", "Send one", name, "Action", f"{known.root}/messages/{_quoted(name)}")


def _action(icon: str, verb: str, kind: str, name: str, root: str) -> Option:
    url = f"{root}/board/dialogs/{verb.lower()}?{urlencode({'kind': kind, 'name': name})}"
    noun = {"type": "message type"}.get(kind, kind)
    return Option(icon, f"{verb} {noun}", name, "Action", url, opens=True, more="…")


def _pauses(known: Known) -> Sequence[Any]:
    return known.standing.look.snapshot.paused if known.standing else ()


def _names(known: Known) -> Iterable[str]:
    return known.standing.queues if known.standing else ()


def _groups(known: Known) -> Iterator[Option]:
    for each in known.groups:
        url = f"{known.root}/failures/{_quoted(each['fingerprint'])}"
        told = number(each["count"], "failure")
        more = f"{each['errorType'] or ''} {each['message'] or ''}"[:120]
        yield Option("failures", "Failure group", each["messageType"] or "?", told, url, more=more)


def _queues(known: Known) -> Iterator[Option]:
    queues: Mapping[str, Any] = known.standing.queues if known.standing else {}
    for name, facts in queues.items():
        told = f"{count(facts.counts.waiting)} waiting"
        yield Option("queues", "Queue", name, told, f"{known.root}/queues/{_quoted(name)}")


def _streams(known: Known) -> Iterator[Option]:
    for name in sorted({queue_of(each) for each in known.streams}):
        yield Option("queues", "Stream", name, "Stream", f"{known.root}/streams/{_quoted(name)}")


def _types(known: Known) -> Iterator[Option]:
    for name in known.types:
        url = f"{known.root}/messages/{_quoted(name)}"
        yield Option("messages", "Message type", name, "Message type", url)


def _places(known: Known) -> Iterator[Option]:
    for path, name, icon in PLACES if known.standing else PLACES[1:2]:
        yield Option(icon, "Go to", name, f"g {name[0].lower()}", f"{known.root}/{path}")


def _job(job: JsonDict, root: str) -> Option:
    kind, state = job["messageType"] or "?", job["state"] or job["status"] or ""
    return Option(
        "jobs", f"Job {kind}", job["jobId"], state, f"{root}/jobs/{_quoted(job['jobId'])}"
    )


def _search(typed: str, root: str) -> Option:
    url = f"{root}/jobs?{urlencode({'q': typed.strip()})}"
    return Option("search", "Search jobs for", typed.strip(), "Search", url)


def _quoted(name: str) -> str:
    return quote(name, safe="")
