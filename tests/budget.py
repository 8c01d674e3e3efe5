"""A pytest plugin of `run test`: seconds for each part, what each may take, and what was left out.

A part's seconds are those of its tests, divided by the processes that share the work.
"""

import time
from collections import Counter, defaultdict
from pathlib import PurePosixPath

import pytest

WHOLE_SECONDS = 300.0
SLOW_SECONDS = 5.0

PARTS: dict[str, tuple[str, float | None]] = {
    "tests/messages": ("messages+handlers", 50),
    "tests/handlers": ("messages+handlers", 50),
    "tests/workers/streams": ("streams", 40),
    "tests/workers": ("engine", 90),
    "tests/monitoring": ("monitoring", 60),
    "tests/board": ("board", 60),
}
"""Folder -> the part it belongs to, and the seconds of that part; the first that fits counts."""


def part_of(nodeid: str) -> tuple[str, float | None]:
    """The part a test belongs to, and its budget in seconds; folders without one have none.

    Args:
        nodeid: pytest's name of the test.
    """
    file = PurePosixPath(nodeid.partition("::")[0])
    folders = [str(folder) for folder in file.parents]
    for folder, part in PARTS.items():
        if folder in folders:
            return part
    return (file.parts[1] if len(file.parts) > 2 else "tests", None)


class Budget:
    """Adds up what the tests took."""

    def __init__(self, processes: int) -> None:
        self.began = time.monotonic()
        self.processes = max(1, processes)
        self.parts: defaultdict[tuple[str, float | None], float] = defaultdict(float)
        self.tests: defaultdict[str, float] = defaultdict(float)
        self.excused: set[str] = set()
        self.left_out: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.parts[part_of(report.nodeid)] += report.duration / self.processes
        self.tests[report.nodeid] += report.duration
        if "slow" in report.keywords:
            self.excused.add(report.nodeid)
        if report.skipped and isinstance(report.longrepr, tuple):
            self.left_out[report.longrepr[2].removeprefix("Skipped: ")] += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.whole > WHOLE_SECONDS and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("seconds")
        for (part, allowed), seconds in sorted(self.parts.items()):
            terminalreporter.line(_row(part, seconds, allowed))
        terminalreporter.line(_row("whole", self.whole, WHOLE_SECONDS))
        for nodeid, seconds in sorted(self.tests.items()):
            if seconds > SLOW_SECONDS and nodeid not in self.excused:
                terminalreporter.line(
                    f"{seconds:.1f} s without the mark slow and a reason: {nodeid}"
                )

        if self.left_out:
            terminalreporter.section("left out")
        for reason, tests in self.left_out.most_common():
            terminalreporter.line(f"{tests} tests: {reason}")

    @property
    def whole(self) -> float:
        return time.monotonic() - self.began


def _row(part: str, seconds: float, allowed: float | None) -> str:
    budget = "" if allowed is None else f" of {allowed:.0f}"
    over = "  OVER BUDGET" if allowed is not None and seconds > allowed else ""
    return f"{part:18} {seconds:6.1f}{budget}{over}"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        processes = config.getoption("numprocesses", default=None) or 1
        config.pluginmanager.register(Budget(int(processes)), "postroom-budget")
