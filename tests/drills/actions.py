"""`python3 run drills --actions`: each action of the board does nothing once, and a test must tell.

A plugin of pytest. All tests are played first, and what each of them does is noted; then those that
do an action are played again while it does nothing, until one of them fails.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from fastapi import FastAPI
from playwright.sync_api import BrowserContext, expect

from tests.board.forms import Action, actions
from tests.drills.acting import Acting, Done

TESTS = "tests/board"
PATIENCE_MS = 6_000  # of a test that is to fail: a third of what it has else
_TRIES = 2  # of a test, which on a busy machine may fail before it comes to the action
_WIDE = 120


@dataclass(frozen=True)
class Verdict:
    """What became of an action that did nothing.

    Args:
        action: Which.
        caught: The test that failed; empty if none did.
        why: The first line of why, or what is missing.
        by_keys: Whether a test does it by keys alone.
    """

    action: Action
    caught: str
    why: str
    by_keys: bool

    def row(self) -> str:
        """One row of the table."""
        hands = "keys " if self.by_keys else "MOUSE"
        name = self.caught.partition("::")[2] or "NOTHING"
        head = f"{hands} {self.action.form} -> {self.action.route}"
        return f"{head}\n      {name}: {self.why[:_WIDE]}"

    @property
    def good(self) -> bool:
        """A test tells, and one does it by keys alone."""
        return bool(self.caught) and self.by_keys


class Drill:
    """Plays the tests, and judges.

    Args:
        is_whole: Whether all tests are played, so that each action must be done by one.
    """

    def __init__(self, *, is_whole: bool) -> None:
        self._is_whole = is_whole
        self._acting = Acting()
        self.verdicts: list[Verdict] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        """Listen to the application of each test."""
        made = yield
        if fixturedef.argname == "app" and isinstance(made, FastAPI):
            self._acting.listen(made)
        return made

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Play all tests, then those that do something."""
        items = {item.nodeid: item for item in session.items}
        for item in session.items:
            self._acting.begin(item.nodeid)
            item.ihook.pytest_runtest_protocol(item=item, nextitem=session)
        told: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        told.ensure_newline()
        _hurry()
        found = list(self._acting.done)
        for action in actions():
            done = [each for each in found if each.action == action]
            if done or self._is_whole:
                self.verdicts.append(self._judge(action, done, items, session))
                told.write_line(self.verdicts[-1].row())
        session._setupstate.teardown_exact(None)
        return True

    def _judge(
        self,
        action: Action,
        done: Sequence[Done],
        items: Mapping[str, pytest.Item],
        session: pytest.Session,
    ) -> Verdict:
        tests = list(dict.fromkeys(each.test for each in done))
        by_keys = any("by_keys" in getattr(items[each], "fixturenames", ()) for each in tests)
        why = f"{len(tests)} tests do it, and none tells."
        for test in tests * _TRIES:
            self._acting.begin(test, done[0])
            failure = _failure(items[test], session)
            if failure is not None and self._acting.is_met:
                return Verdict(action, test, failure, by_keys)
            if failure is not None:
                why = f"{test} failed before it: {failure}"
        return Verdict(action, "", why, by_keys)


def _failure(item: pytest.Item, session: pytest.Session) -> str | None:
    """Play a test again; the first line of why it fails, None if it does not."""
    item._initrequest()  # type: ignore[attr-defined] - as whoever plays a test twice
    # What comes next is the session, and no test: so what all tests share does not end.
    for report in runtestprotocol(item, log=False, nextitem=session):  # type: ignore[arg-type]
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            why = str(getattr(crash, "message", report.longrepr)).partition("\n")[0]
            return why if report.when == "call" else f"{report.when}: {why}"
    return None


def _hurry() -> None:
    """Let what a browser waits for come soon."""
    expect.set_options(timeout=PATIENCE_MS)
    BrowserContext.set_default_timeout = _soon  # type: ignore[method-assign]


_set_default_timeout = BrowserContext.set_default_timeout


def _soon(context: BrowserContext, timeout: float) -> None:
    _set_default_timeout(context, min(timeout, PATIENCE_MS))


def play(tests: Sequence[str]) -> int:
    """Play all actions and print a row for each.

    Args:
        tests: Files of tests; none means all of the board.

    Returns:
        0 if each action that does nothing is noticed, and done by keys alone in a test; else 1.
    """
    drill = Drill(is_whole=not tests)
    # What this file imports is not one of the plugins whose assertions are to tell more.
    quiet = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
    code = pytest.main([*quiet, *(tests or [TESTS])], plugins=[drill])
    bad = [each for each in drill.verdicts if not each.good]
    for each in bad:
        _say(each.row())
    _say(f"{len(drill.verdicts) - len(bad)} of {len(drill.verdicts)} actions as they should be.")
    return int(bool(bad or code or not drill.verdicts))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
