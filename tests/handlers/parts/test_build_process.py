"""How one command of a build is run."""

import resource
import time
from pathlib import Path

from handlers.parts.build_process import run_command
from handlers.parts.settings import program_environment


def test_a_line_without_an_end_is_told_in_parts_and_fills_no_memory(tmp_path: Path) -> None:
    parts: list[int] = []
    begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    code = run_command(
        ["sh", "-c", "head -c 50000000 /dev/zero; echo; echo end"],
        folder=tmp_path,
        environment=program_environment(),
        deadline=time.monotonic() + 30,
        say=lambda line: parts.append(len(line)),
    )

    assert code == 0
    assert sum(parts) == 50_000_000 + len("end")
    assert max(parts) <= 4_096
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begin < 20_000  # kB
