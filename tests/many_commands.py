"""Runs many command lines of `postroom` in one process: loading it takes longer than most of them.

The command lines are a JSON list; `MARK` stands before what each of them writes.
"""

import json
import sys
from contextlib import suppress

from postroom.cli import main

MARK = "\x1e"


def _run(words: list[str]) -> None:
    sys.stdout.write(MARK)
    sys.stdout.flush()
    sys.argv = ["postroom", *words]
    with suppress(SystemExit):
        main()
    sys.stdout.flush()


if __name__ == "__main__":
    for line in json.loads(sys.argv[1]):
        _run(line)
