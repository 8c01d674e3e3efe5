"""Draws the demo in the terminal: what was sent, what became of it, and where to look."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from messages import message_types
from postroom.demo.surroundings import Surroundings
from postroom.demo.tracker import Seen, Totals, Tracker
from postroom.supervisor import Death
from workers.attempts import AttemptRecord

_FIXED_LINES = 15  # of the screen, without message types, outcomes and deaths
_COLOURS = {"done": "green", "dead": "red", "waiting": "yellow"}


def screen(tracker: Tracker, surroundings: Surroundings, headline: str, height: int) -> Group:
    """The whole live picture.

    Args:
        tracker: The messages.
        surroundings: What runs.
        headline: The first line.
        height: Lines of the terminal.
    """
    deaths = surroundings.running.deaths()
    room = max(1, height - _FIXED_LINES - len(message_types()) - len(deaths))
    return Group(
        Text(f"{headline}\n", style="bold"),
        _totals(tracker),
        Text("\nWhat the workers did, as found in database, mailbox, files and Redis:"),
        *_newest(tracker.ended, room),
        Text("\nWhere to look:"),
        where_to_look(surroundings),
        *(death(one) for one in deaths),
    )


def _newest(ended: Sequence[Seen], lines: int) -> Iterable[RenderableType]:
    fitting: list[Seen] = []
    for seen in reversed(ended):
        lines -= 1 + len(seen.finding.retries)
        if lines < 0:
            break
        fitting.append(seen)
    if not fitting and ended:
        return [_head(ended[-1])]
    return [outcome(seen) for seen in reversed(fitting)]


def outcome(seen: Seen) -> RenderableType:
    """One message and its effect, and below it each attempt that failed before.

    Args:
        seen: A message that has ended.
    """
    return Group(_head(seen), *(_retry(retry) for retry in seen.finding.retries))


def verdict(seen: Seen, status: str = "") -> RenderableType:
    """One message of a round that is over: what was asked, what was found, whether it is right.

    Args:
        seen: The message.
        status: RQ's word for its job; shown if the message has not ended.
    """
    finding, expected = seen.finding, seen.expected
    words = ("ok   ", "green") if seen.is_right else ("WRONG", "bold red")
    lines = [Text.assemble(words, f"  {expected.message.message_type:15}  {expected.about}")]
    if seen.has_ended:
        tries = f"  attempt {len(finding.retries) + 1}, worker {finding.pid}"
        lines.append(Text.assemble(f"       {finding.state}: {finding.effect}", (tries, "dim")))
    lines.extend(_retry(retry) for retry in finding.retries)
    if seen.complaint:
        state = "" if seen.has_ended else f", its job is {status}"
        lines.append(Text(f"       {seen.complaint}{state}: postroom job {seen.id}", style="red"))
    return Group(*lines)


def where_to_look(surroundings: Surroundings) -> RenderableType:
    """Folders, addresses and commands.

    Args:
        surroundings: What runs.
    """
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(no_wrap=True, overflow="ellipsis")
    for what, place in _places(surroundings):
        table.add_row(f"  {what}", place)
    return table


def death(one: Death) -> RenderableType:
    """A process that ended though nobody asked it to.

    Args:
        one: The process.
    """
    last = one.last_lines[-1] if one.last_lines else "it wrote nothing"
    words = f"{one.name} ended with code {one.code}: {last}  (all of it in {shown(one.log)})"
    return Text(words, style="bold red")


def shown(path: Path) -> str:
    """A path as short as it can be from here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _places(surroundings: Surroundings) -> Iterable[tuple[str, str]]:
    data = surroundings.data
    folders = (surroundings.mails / "new", surroundings.backups, data / "logs")
    yield "inbox, log, plan, notes", f"{shown(data / 'postroom.sqlite3')} (SQLite)"
    yield "mails, backups, logs", "  ".join(f"{shown(folder)}/" for folder in folders)
    yield from surroundings.urls.items()
    yield "one job", ".venv/bin/postroom job ID, from another terminal"


def _totals(tracker: Tracker) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("message", no_wrap=True)
    for name in ("sent", "done", "retried", "dead", "waiting"):
        table.add_column(name, justify="right", style=_COLOURS.get(name, ""))
    waiting = list(tracker.waiting.values())
    rows = {name: _row(name, tracker.totals[name], waiting) for name in message_types()}
    for name, row in rows.items():
        table.add_row(name, *map(str, row))
    sums = [sum(column) for column in zip(*rows.values(), strict=True)]
    table.add_row("all", *map(str, sums), style="bold")
    return table


def _row(name: str, ended: Totals, waiting: Iterable[Seen]) -> tuple[int, int, int, int, int]:
    own = [seen for seen in waiting if seen.expected.message.message_type == name]
    retried = ended.retried + sum(bool(seen.finding.retries) for seen in own)
    sent = ended.done + ended.dead + len(own)
    return sent, ended.done, retried, ended.dead, len(own)


def _head(seen: Seen) -> Text:
    finding = seen.finding
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{seen.at.astimezone():%H:%M:%S}  ", style="dim")
    line.append(f"{finding.state}  ", style=_COLOURS[finding.state])
    line.append(f"{seen.expected.message.message_type:15}  ")
    line.append(f"pid {finding.pid or '?':<7} ", style="dim")
    line.append(finding.effect)
    return line


def _retry(attempt: AttemptRecord) -> Text:
    waited = f"tried again after {attempt.delay_seconds:.1f} s ({attempt.why})"
    words = f"       {waited}: {attempt.error}"
    return Text(words, style="yellow", no_wrap=True, overflow="ellipsis")
