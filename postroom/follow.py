"""Shows several growing log files as one, each line with the name of its process in front."""

from collections.abc import Iterator, Sequence
from pathlib import Path


class Followed:
    """New lines of log files, from where the files ended when following began.

    Args:
        logs: The files; what stands before a file's ending is its name.
    """

    def __init__(self, logs: Sequence[Path]) -> None:
        self._read = {log: log.stat().st_size if log.exists() else 0 for log in logs}
        self._width = max((len(log.stem) for log in logs), default=0)

    def new_lines(self) -> Iterator[str]:
        """The whole lines written since the last call, file by file."""
        for log, position in self._read.items():
            with log.open("rb") as file:
                file.seek(position)
                text = file.read()
            whole, newline, _ = text.rpartition(b"\n")
            self._read[log] = position + len(whole) + len(newline)
            for line in whole.decode(errors="replace").splitlines():
                yield f"{log.stem:<{self._width}} | {line}"
