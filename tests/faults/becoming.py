"""How a child of the nursery becomes the program that was asked for."""

import atexit
import io
import os
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

SKEW = "DRILL_SKEW_SECONDS"
"""A variable: how far ahead the clock of the process is; its monotonic clock is right."""


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Args:
        words: The command line.
        environ: Variables.
        descriptors: Of its input and its two outputs.
        folder: Where it works; None where the nursery does.
        whole: Whether it has these variables only, and not the nursery's beside them.
        ignored: The signals it ignores.
    """

    words: Sequence[str]
    environ: Mapping[str, str]
    descriptors: tuple[int, int, int]
    folder: str | None = None
    whole: bool = True
    ignored: Sequence[int] = ()


def become(order: Order) -> None:
    """Run the program, and end as it does.

    Args:
        order: What is asked for; a program that is not known here is executed.
    """
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in order.ignored:
        signal.signal(number, signal.SIG_IGN)
    for target, source in enumerate(order.descriptors):
        os.dup2(source, target)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # the door, and the talks with others
    if order.whole:
        os.environ.clear()
    os.environ.update(order.environ)
    time.tzset()
    if order.folder is not None:
        os.chdir(order.folder)
    code = 1
    try:
        code = _ended_with(order)
    except BaseException:  # noqa: BLE001 - what Python does at the end of a program
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _ended_with(order: Order) -> int:
    words = list(order.words)
    if words[0] not in _RUNS:
        os.execvp(words[0], words)
    _open_outputs()
    scripts = Path(sys.executable).parent
    sys.argv = [str(scripts / words[0]), *words[1:]]
    sys.modules["__main__"] = ModuleType("__main__")  # the nursery's own would be taken for it
    if order.folder is not None:
        given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        sys.path[:1] = [str(scripts), *filter(None, given)]
    try:
        _RUNS[words[0]](words)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _open_outputs() -> None:
    """The standard streams, as Python opens them for a new process."""
    at_once = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = _stream(1, at_once=at_once)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, at_once=True, errors="backslashreplace")  # type: ignore[misc]


def _stream(number: int, *, at_once: bool, errors: str = "strict") -> io.TextIOWrapper:
    buffer = open(number, "wb", closefd=False)  # noqa: SIM115
    line_buffering = at_once or os.isatty(number)
    return io.TextIOWrapper(buffer, errors=errors, line_buffering=line_buffering)


def _run_rq(_: Sequence[str]) -> None:
    from rq.cli import main  # noqa: PLC0415

    if SKEW in os.environ:
        import time_machine  # noqa: PLC0415

        ahead = timedelta(seconds=float(os.environ[SKEW]))
        time_machine.travel(datetime.now(UTC) + ahead, tick=True).start()
    main()


def _run_postroom(_: Sequence[str]) -> None:
    from postroom.cli import main  # noqa: PLC0415

    main()


def _run_python(words: Sequence[str]) -> None:
    """`python -c CODE ...` and `python -m MODULE ...`."""
    _, option, what, *rest = words
    if option == "-m":
        sys.path[0] = str(Path.cwd())
        sys.argv = [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
        return
    assert option == "-c", f"the nursery knows -c and -m, and not {option}"
    sys.path[0] = ""
    sys.argv = ["-c", *rest]
    exec(compile(what, "<string>", "exec"), sys.modules["__main__"].__dict__)


_RUNS: Mapping[str, Callable[[Sequence[str]], None]] = {
    "rq": _run_rq,
    "postroom": _run_postroom,
    "python": _run_python,
}
