"""The shape of the house: who stands where, who knows whom, and what others rely on."""

import ast
import json
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

import messages
import workers

ROOT = Path(__file__).parents[1]
PACKAGES = ("messages", "workers", "handlers", "monitoring", "postroom")
NO_CONCEPT = {"utils", "helpers", "common", "misc", "manager", "service", "core", "types"}


def python(code: str) -> str:
    """Run code in a process of its own, where nothing is imported yet; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules_after(statement: str) -> set[str]:
    """The top-level modules that an import brings in."""
    code = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(python(code).split())


def shipped_types() -> dict[str, type[messages.Message]]:
    """Wire name to class; types of other tests, declared in this process, are no part of it."""
    types = messages.message_types()
    return {name: cls for name, cls in types.items() if cls.__module__.startswith("messages.")}


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py")]


HANDLERS = """
import json
from workers.loading import load_packages
from workers.registry import handlers
load_packages(["messages", "handlers"])
from messages import message_types

print(json.dumps({
    "types": list(message_types()),
    "handlers": [[kind, h.function.__module__] for h in handlers()
                 for kind, cls in message_types().items() if cls is h.message],
}))
"""


def test_each_message_file_has_a_handler_file_and_the_reverse() -> None:
    message_files = {cls.__module__.partition(".")[2] for cls in shipped_types().values()}
    handler_files = {path.stem for path in (ROOT / "handlers").glob("*.py")} - {"__init__"}

    assert message_files == handler_files


def test_each_message_file_declares_the_type_it_is_named_for() -> None:
    for name, cls in shipped_types().items():
        assert cls.__module__ == f"messages.{name.lower()}"


def test_each_type_has_exactly_one_handler_in_the_file_of_its_name() -> None:
    found = json.loads(python(HANDLERS))

    assert sorted(kind for kind, _ in found["handlers"]) == found["types"]
    assert all(module == f"handlers.{kind.lower()}" for kind, module in found["handlers"])


@pytest.mark.parametrize("name", [*PACKAGES, "worker_settings"])
def test_our_generic_names_belong_to_this_project(name: str) -> None:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(ROOT), f"{name} is {spec.origin}, an intruder"

    owners = set(packages_distributions().get(name, ())) - {"postroom"}
    assert not owners, f"{', '.join(owners)} installs a package {name} too; uninstall it"


def test_tests_are_no_packages() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize(
    "name",
    [
        "Message",
        "Payload",
        "parse_message",
        "TestMessage",
        "WorkoutUpdateMessage",
        "UserActionMessage",
        "NotificationMessage",
        "EmailMessage",
        "DataSyncMessage",
        "NoteEnrichmentMessage",
        "ActivitySchemaMessage",
    ],
)
def test_messages_keeps_its_promised_names(name: str) -> None:
    assert name in messages.__all__
    assert hasattr(messages, name)


@pytest.mark.parametrize(
    "name",
    [
        "enqueue",
        "enqueue_many",
        "enqueue_in",
        "enqueue_at",
        "aenqueue",
        "aenqueue_many",
        "aenqueue_in",
        "aenqueue_at",
        "handles",
        "RetryPolicy",
        "TransientError",
        "ResourceUnavailable",
        "PermanentError",
        "MessageWorker",
    ],
)
def test_workers_keeps_its_promised_names(name: str) -> None:
    assert name in workers.__all__
    assert hasattr(workers, name)


@pytest.mark.parametrize("package", [messages, workers])
def test_a_package_lists_its_names_once_and_has_them_all(package: object) -> None:
    names = package.__all__

    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(package, name)] == []


def test_the_function_that_stands_in_redis_keeps_its_name() -> None:
    assert callable(import_module("workers.jobs").run_message)


def test_the_commands_that_are_installed_exist() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]

    assert set(scripts) == {"postroom"}
    for target in scripts.values():
        module, _, function = target.partition(":")
        assert callable(getattr(import_module(module), function))


HEAVY = {"sqlalchemy", "openai", "flask", "fastapi", "uvicorn", "apprise", "fsspec", "jinja2"}
HEAVY |= {"concurrent_log_handler", "PIL", "prometheus_client", "pytest", "fakeredis"}


@pytest.mark.parametrize(
    ("statement", "strangers"),
    [
        ("import messages", {"workers", "handlers", "monitoring", "postroom", "redis", "rq"}),
        ("import workers, messages", {"handlers", "monitoring", "postroom"}),
        ("import worker_settings", {"handlers", "monitoring", "postroom"}),
        ("import monitoring.web.app", {"handlers", "postroom", "sqlalchemy", "openai"}),
    ],
)
def test_an_import_brings_in_no_stranger(statement: str, strangers: set[str]) -> None:
    heavy = set() if "monitoring" in statement else HEAVY

    assert modules_after(statement) & (strangers | heavy) == set()


def test_only_settings_read_the_environment() -> None:
    # The shell is left out: it hands the environment on to the processes it starts.
    paths = [*sources(*PACKAGES[:-1]), ROOT / "worker_settings.py"]
    readers = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in paths
        if path.stem.rpartition("_")[2] != "settings"  # settings, secret_settings
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]

    assert readers == []


def test_every_file_is_named_for_a_concept() -> None:
    paths = [path for path in sources(*PACKAGES, "tests", "benchmarks") if path.is_file()]

    assert len(paths) > 50
    assert [str(path) for path in paths if path.stem.removeprefix("test_") in NO_CONCEPT] == []
    folders = {part for path in paths for part in path.relative_to(ROOT).parts[:-1]}
    assert folders & NO_CONCEPT == set()
