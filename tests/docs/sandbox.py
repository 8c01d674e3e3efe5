"""A copy of the project in which the blocks of the documents are run, one after the other.

A Python block that begins with `# folder/name.py` is that file. One that begins with anything
else is run, and so is a bash block. A `text` block is what the block before it prints, `...`
standing for anything, and a `toml` block is a file of rules of alerts. `<!-- runs until: TEXT -->`
above a bash block means that it goes on running in the background, once it has printed the text,
until the next such block.

As long as no block has changed the copy, its modules are those of the project, which the nursery
has loaded: `rq`, `postroom` and Python are then stand-ins, see `tests/stand_in.py`, and save the
second that loading takes. From the first file on they are started as anybody starts them.
"""

import json
import os
import re
import shutil
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from messages import parse_message
from monitoring.alerts import AlertSettings, read_rules
from postroom.settings import child_environment
from tests.docs.documents import ROOT, Block
from tests.docs.mermaid import check_mermaid
from tests.processes import StartedProcess, StartProcess

LANGUAGES = frozenset({"python", "bash", "text", "json", "mermaid", "toml"})

_COPIED = ("messages", "workers", "handlers", "monitoring", "postroom")
_COPIED_FILES = ("worker_settings.py", "Procfile", "run", "pyproject.toml", "constraints.txt")
_FILE = re.compile(r"# (?P<path>[\w/]+\.py)\n")
_WORKER = "exec rq worker -w workers.MessageWorker -c worker_settings"
_LISTENING = "*** Listening on"
_SECONDS = 90.0  # on a loaded machine a block that loads pytest and the application took over 10


@dataclass
class Sandbox:
    """The copy, and what runs in it.

    Args:
        root: Where the copy is.
        start_process: The fixture.
        stand_ins: A folder of programs that need not load what they run; None: there is none.
        output: What the last block printed.
        background: What goes on running.
    """

    root: Path
    start_process: StartProcess
    stand_ins: Path | None = None
    output: str | None = None
    background: StartedProcess | None = field(default=None)

    def run(self, block: Block) -> None:
        """Do what a block says, and fail if it does not work."""
        if block.language == "text":
            self._compare(block)
            return
        self.output = None
        if block.language == "json":
            _check_json(block)
        elif block.language == "mermaid":
            check_mermaid(block.text)
        elif block.language == "toml":
            self._check_rules(block)
        elif block.comment == "runs until":
            self._go_on(block.text, block.value)
        elif block.language == "bash":
            self.output = self._finish(block, "bash", "-euo", "pipefail", "-c", block.text)
        elif file := _FILE.match(block.text):
            path = self.root / file["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
            self.stand_ins = None
        else:
            self._run_python(block)

    def _run_python(self, block: Block) -> None:
        if self.background is None and re.search(r"\b(enqueue|send_)", block.text):
            self._go_on(_WORKER, _LISTENING)
        self.output = self._finish(block, "python", "-c", block.text)

    def _check_rules(self, block: Block) -> None:
        path = self.root / "alerts.toml"
        path.write_text(block.text)
        read_rules(AlertSettings(alert_rules=path), ("ops", "mail"))

    def _finish(self, block: Block, *command: str) -> str:
        process = self.start_process(*command, cwd=self.root, env=self._environment())
        code = process.popen.wait(_SECONDS)
        background = "" if self.background is None else self.background.output()
        assert code == 0, f"{block.place} ended with {code}:\n{process.output()}\n{background}"
        return process.output()

    def _go_on(self, command: str, text: str) -> None:
        if self.background is not None:
            os.killpg(self.background.pid, signal.SIGTERM)
            self.background.popen.wait(_SECONDS)
        environment = self._environment()
        self.background = self.start_process(
            "bash", "-euc", command, cwd=self.root, env=environment
        )
        self.background.wait_for(text, within=_SECONDS)

    def _compare(self, block: Block) -> None:
        assert self.output is not None, f"{block.place}: no block before it prints anything"
        pattern = ".*?".join(re.escape(part) for part in block.text.strip().split("..."))
        printed = self.output.strip()
        assert re.fullmatch(pattern, printed, re.DOTALL), f"{block.place}: it printed\n{printed}"

    def _environment(self) -> dict[str, str]:
        # Before the project that is installed into the virtualenv, which is not the copy.
        told = {"PYTHONPATH": str(self.root)}
        if self.stand_ins is not None:
            told["PATH"] = f"{self.stand_ins}{os.pathsep}{child_environment({})['PATH']}"
        return told


def copy_project(root: Path) -> None:
    """Copy what is installed, and nothing that a clone does not have.

    Args:
        root: A folder that does not exist.
    """
    root.mkdir()
    for name in _COPIED:
        shutil.copytree(ROOT / name, root / name)
    for name in _COPIED_FILES:
        shutil.copy2(ROOT / name, root / name)
    (root / ".venv").symlink_to(sys.prefix)


def _check_json(block: Block) -> None:
    content = json.loads(block.text)
    if "messageType" in content:
        parse_message(content)
