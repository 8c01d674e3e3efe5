"""Streams of what changes: one look per tick for all clients of a process, none without a client.

The looks are taken in a thread; everything else happens in the event loop of the web server.
"""

import asyncio
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from messages import PostroomError
from monitoring.errors import AskAgain
from monitoring.jobs.status import shown_line
from monitoring.live import sse
from monitoring.live.looks import QUEUES, JsonDict, Look, Subject, TakeLook
from monitoring.live.pace import Pace
from monitoring.live.topics import Topic
from monitoring.live.watchers import Watcher
from workers.job_log import Line
from workers.logger import get_logger

log = get_logger("postroom.live")

_FIRST_LINES = 100  # of a log, for a client that is new
_REMEMBERED = 8  # events of one queue, of which each is whole


class TooManyClients(AskAgain):
    """A process has as many streams as it serves."""

    code = "too_many_clients"
    remedy_text = "Ask again later, or poll: the same address without /live tells the same."


class Live:
    """Everybody who watches, and what they are shown.

    Args:
        look: Reads what is wanted; called in a thread.
        pace: How often.
        most: Clients at the same time, of all streams together.
    """

    def __init__(self, look: TakeLook, *, pace: Pace | None = None, most: int = 50) -> None:
        self.pace = pace or Pace()
        self._look = look
        self._most = most
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._topics: dict[Subject, tuple[Topic, float]] = {}
        self._watchers: list[Watcher] = []
        self._ticker: asyncio.Task[None] | None = None
        self._stirred = asyncio.Event()
        self._trouble = b""
        self._has_ended = False
        self._answers: dict[Subject, tuple[float, JsonDict]] = {}

    def polled(self, subject: Subject) -> JsonDict:
        """What a stream would tell now, for those who poll; at most one tick old.

        Args:
            subject: All queues, or one.

        Raises:
            StorageUnavailable: If Redis does not answer.
        """
        at, state = self._answers.get(subject, (0.0, {}))
        if not state or time.monotonic() - at > self.pace.seconds:
            look = self._look({subject: 0})
            self._remember(look)
            state = look.states[subject]
        return state

    @contextmanager
    def joined(
        self, subject: Subject, *, last_id: str = "", seconds: float, farewell: bytes = b""
    ) -> Iterator[Watcher]:
        """Have a client watch.

        Args:
            subject: What.
            last_id: The id of the last event that it has seen; empty for a new one.
            seconds: How long it may.
            farewell: What it is told then.

        Yields:
            The client; it is forgotten when the block ends.

        Raises:
            TooManyClients: If there are as many as may be, or the server ends.
        """
        self._check_room()
        watcher = Watcher(subject, seconds=seconds, farewell=farewell)
        self._watchers.append(watcher)
        try:
            self._greet(watcher, last_id)
            if self._ticker is None:
                self._ticker = asyncio.create_task(self._tick())
                self._ticker.add_done_callback(self._mourn)
            yield watcher
        finally:
            watcher.close()
            self._forget(watcher)

    def stir(self) -> None:
        """Look soon: something has been done."""
        self._answers.clear()
        self._stirred.set()

    def end(self) -> None:
        """End all streams, and open no more: the server goes."""
        self._has_ended = True
        for watcher in self._watchers:
            watcher.end()

    def _check_room(self) -> None:
        if self._has_ended:
            after = self.pace.seconds  # by then another process has the port, or nobody
            raise TooManyClients("The server ends.", after=after, code="server_ends")
        if len(self._watchers) >= self._most:
            raise TooManyClients(
                f"This process has {self._most} streams open, and serves no more.",
                after=min((each.left for each in self._watchers), default=self.pace.stream),
            )

    def _greet(self, watcher: Watcher, last_id: str) -> None:
        watcher.offer(self._trouble)
        if watcher.subject.kind == "log":
            watcher.last_line = int(last_id) if last_id.isdecimal() else None
            self._stirred.set()
            return
        topic, at = self._topics.get(watcher.subject, (None, 0.0))
        missed = topic.since(last_id) if topic else None
        if topic and missed is None and self._now() - at <= self.pace.seconds:
            missed = topic.whole
        watcher.needs_whole = missed is None
        if missed is None:
            self._stirred.set()
        else:
            watcher.offer(missed)

    def _forget(self, watcher: Watcher) -> None:
        self._watchers.remove(watcher)
        if watcher.subject not in {QUEUES, *(each.subject for each in self._watchers)}:
            self._topics.pop(watcher.subject, None)
        if not self._watchers and self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None

    async def _tick(self) -> None:
        pause, changed_at = self.pace.seconds, self._now()
        self._stirred = asyncio.Event()
        while True:
            began = self._now()
            self._stirred.clear()
            is_busy = await self._look_once()
            # A log is followed by somebody who waits for the next line.
            if is_busy or any(each.subject.kind == "log" for each in self._watchers):
                changed_at = self._now()
            pause = self.pace.next_pause(pause, quiet_for=self._now() - changed_at)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(began + pause):  # not wait_for: see `Watcher`
                    await self._stirred.wait()
            await asyncio.sleep(began + self.pace.shortest - self._now())

    async def _look_once(self) -> bool:
        """Look and publish; returns whether to go on at the usual pace."""
        asked = list(self._watchers)
        try:
            look = await asyncio.to_thread(self._look, _wanted(asked))
        except PostroomError as error:
            self._tell_trouble(error)
            return True
        self._remember(look)
        self._trouble = b""
        self._tell_lines(asked, look.lines)
        return self._publish(look.states)

    def _publish(self, states: Mapping[Subject, JsonDict]) -> bool:
        self._number += 1
        changed = [self._topic(each).publish(self._number, state) for each, state in states.items()]
        for watcher in self._watchers:
            if watcher.subject in states:
                topic, _ = self._topics[watcher.subject]
                self._offer(watcher, topic.whole if watcher.needs_whole else topic.newest)
                watcher.needs_whole = False
        return any(changed)

    def _topic(self, subject: Subject) -> Topic:
        known, _ = self._topics.get(subject, (None, 0.0))
        topic = known or (
            Topic(self._epoch) if subject == QUEUES else Topic(self._epoch, remembered=_REMEMBERED)
        )
        self._topics[subject] = topic, self._now()
        return topic

    def _tell_lines(self, asked: Sequence[Watcher], lines: Mapping[str, Sequence[Line]]) -> None:
        # Only those who were there when the look began: it has read no more than they need.
        for watcher in asked:
            if watcher.subject.kind == "log":
                found = _unread(watcher, lines.get(watcher.subject.name, ()))
                self._offer(watcher, b"".join(_line_event(line) for line in found))
                watcher.last_line = found[-1].number if found else watcher.last_line or 0

    def _tell_trouble(self, error: PostroomError) -> None:
        if not self._trouble:
            log.warning("live_look_failed", error=str(error))
            self._trouble = sse.refusal_event("unavailable", error)
            for watcher in self._watchers:
                self._offer(watcher, self._trouble)

    def _offer(self, watcher: Watcher, frame: bytes) -> None:
        if not watcher.given_up.is_set() and not watcher.offer(frame):
            log.warning("slow_client_dropped", subject=watcher.subject.kind)

    def _remember(self, look: Look) -> None:
        at = time.monotonic()
        self._answers.update({subject: (at, state) for subject, state in look.states.items()})

    def _mourn(self, ticker: asyncio.Task[None]) -> None:
        # Nobody shall wait for what will not come.
        if not ticker.cancelled():
            log.error("live_looks_ended", error_type=type(ticker.exception()).__name__)
            self._ticker = None
            for watcher in self._watchers:
                watcher.end()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _wanted(watchers: Sequence[Watcher]) -> dict[Subject, int]:
    wanted: dict[Subject, int] = {}
    for each in watchers:
        known = each.last_line or 0
        wanted[each.subject] = min(known, wanted.get(each.subject, known))
    return wanted


def _unread(watcher: Watcher, lines: Sequence[Line]) -> Sequence[Line]:
    if watcher.last_line is None:
        return lines[-_FIRST_LINES:]
    return [line for line in lines if line.number > (watcher.last_line or 0)]


def _line_event(line: Line) -> bytes:
    return sse.event(shown_line(line), number=str(line.number))
