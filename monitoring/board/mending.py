"""What can be done about a finding, and since when it holds: by its code. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import QueueFacts
from monitoring.explain.rules.hands import last_death


@dataclass(frozen=True)
class Button:
    """Something that can be done.

    Args:
        label: A verb; it ends with `…` if something is asked first.
        url: Of a page, or of a dialog.
        opens: Whether it is a dialog.
        icon: Of `Marks.icon`; empty for none.
    """

    label: str
    url: str
    opens: bool = False
    icon: str = ""


def began(finding: Finding, facts: QueueFacts) -> datetime | None:
    """Since when a finding holds; None if that is not known.

    Args:
        finding: What the rules say.
        facts: The queue.
    """
    return _BEGAN.get(finding.code, _oldest)(finding, facts)


def grounds_of(finding: Finding, facts: QueueFacts) -> str:
    """Why a finding holds that does not say so itself; empty if that is not known.

    Args:
        finding: What the rules say.
        facts: The queue.
    """
    if finding.code != "error_rate" or not facts.letters:
        return ""
    most = max(facts.letters, key=lambda each: each.count)
    return f"Most often {most.kind}: {most.error}"


def buttons_of(finding: Finding, facts: QueueFacts, root: str) -> Iterator[Button]:
    """What can be done about a finding, the best first; at last, its queue can be opened.

    Args:
        finding: What the rules say.
        facts: The queue.
        root: What stands in front of the paths of pages.
    """
    yield from _BUTTONS.get(finding.code, _nothing)(finding, facts, root)
    yield Button("Open queue", f"{root}/queues/{_quoted(facts.name)}")


def _paused(kind: str) -> Callable[[Finding, QueueFacts], datetime | None]:
    def since(_: Finding, facts: QueueFacts) -> datetime | None:
        moments = [each.at for each in facts.pauses if each.kind == kind]
        return datetime.fromisoformat(min(moments)) if moments else None

    return since


def _died(finding: Finding, facts: QueueFacts) -> datetime | None:
    return last_death(finding.code, facts)


def _overdue(_: Finding, facts: QueueFacts) -> datetime:
    return facts.now - timedelta(seconds=facts.overdue[1])


def _buried(finding: Finding, facts: QueueFacts) -> datetime | None:
    return next((each.since for each in facts.letters if each.job_id in finding.remedy), None)


def _first_death(_: Finding, facts: QueueFacts) -> datetime | None:
    return min((each.since for each in facts.letters if each.since), default=None)


def _unknown(_: Finding, __: QueueFacts) -> None:
    return None


def _oldest(_: Finding, facts: QueueFacts) -> datetime | None:
    """What keeps jobs waiting holds at least since the oldest one came."""
    if facts.oldest_seconds is None:
        return None
    return facts.now - timedelta(seconds=facts.oldest_seconds)


_BEGAN: Mapping[str, Callable[[Finding, QueueFacts], datetime | None]] = {
    "queue_paused": _paused("queue"),
    "type_paused": _paused("type"),
    "tenant_paused": _paused("tenant"),
    "workers_died": _died,
    "children_died": _died,
    "scheduled_overdue": _overdue,
    "dead_letters": _buried,
    "error_rate": _first_death,
    "many_retries": _unknown,
    "service_asks_to_wait": _unknown,
}


def _nothing(_: Finding, __: QueueFacts, ___: str) -> Iterator[Button]:
    yield from ()


def _resume(finding: Finding, facts: QueueFacts, _: str) -> Iterator[Button]:
    kind = finding.code.removesuffix("_paused")
    for pause in facts.pauses:
        if pause.kind == kind:
            url = f"/board/dialogs/resume?kind={kind}&name={_quoted(pause.name)}"
            yield Button("Resume…", url, opens=True, icon="play")


def _letters(finding: Finding, facts: QueueFacts, root: str) -> Iterator[Button]:
    for each in facts.letters:
        if each.job_id in finding.remedy:
            known = each.fingerprint
            place = f"/{known}" if known else f"?queue={_quoted(facts.name)}"
            yield Button("Open group", f"{root}/failures{place}")


def _failures(_: Finding, facts: QueueFacts, root: str) -> Iterator[Button]:
    yield Button("Open failures", f"{root}/failures?queue={_quoted(facts.name)}")


def _pause(_: Finding, facts: QueueFacts, __: str) -> Iterator[Button]:
    for each in facts.retries[:1]:
        url = f"/board/dialogs/pause?kind=type&name={_quoted(each.kind)}"
        yield Button(f"Pause {each.kind}…", url, opens=True, icon="pause")


def _workers(_: Finding, __: QueueFacts, root: str) -> Iterator[Button]:
    yield Button("See workers", f"{root}/workers")


_BUTTONS: Mapping[str, Callable[[Finding, QueueFacts, str], Iterator[Button]]] = {
    "queue_paused": _resume,
    "type_paused": _resume,
    "tenant_paused": _resume,
    "dead_letters": _letters,
    "error_rate": _failures,
    "many_retries": _pause,
    "service_asks_to_wait": _pause,
    "workers_died": _workers,
    "children_died": _workers,
    "standing_still": _workers,
}


def _quoted(name: str) -> str:
    return quote(name, safe="")
