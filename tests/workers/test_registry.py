import sys

import pytest

from messages import EmailMessage, TestData, TestMessage
from workers import DuplicateHandler, InvalidOption, handles, on, on_dead
from workers.dead_letters import DeadLetter
from workers.engine.startup import check_handlers
from workers.errors import HandlerNotFound
from workers.loading import load_packages
from workers.registry import (
    handler_for,
    run_dead_hooks,
    run_hooks,
    separate_registry,
)
from workers.settings import Settings


@pytest.fixture(autouse=True)
def _own_handlers():
    with separate_registry():
        yield


def letter() -> DeadLetter:
    return DeadLetter(
        job_id="1",
        message_type="TEST",
        queue="default",
        reason="permanent",
        error="no",
        buried_at="",
    )


def test_a_second_handler_for_a_message_is_refused_and_both_are_named():
    def first(message):
        pass

    def second(message):
        pass

    handles(TestMessage)(first)
    with pytest.raises(DuplicateHandler, match=r"first.*second"):
        handles(TestMessage)(second)


@pytest.mark.parametrize(
    "function",
    [lambda: 0, lambda _a, _b, _c: 0, lambda _a, *, _flag: 0, lambda *, _message: 0],
)
def test_a_function_that_cannot_take_a_message_is_refused_at_once(function):
    with pytest.raises(InvalidOption, match="cannot be called with a message"):
        handles(TestMessage)(function)


@pytest.mark.parametrize(
    ("function", "wants"),
    [
        (lambda _message: 0, False),
        (lambda _message, _dry_run=False: 0, False),
        (lambda _message, _context: 0, True),
        (lambda _message, _context, *, _dry_run=False: 0, True),
    ],
)
def test_only_a_second_parameter_without_a_default_is_the_context(function, wants):
    handles(TestMessage)(function)

    assert handler_for(TestMessage).wants_context is wants


def test_importing_a_handler_module_again_is_no_second_handler():
    def handler(message):
        pass

    handles(TestMessage)(handler)
    handles(TestMessage)(handler)

    assert handler_for(TestMessage).function is handler


def test_a_hook_that_raises_changes_nothing_and_the_next_one_still_runs():
    seen = []

    @on("completed")
    def broken(*_):
        raise RuntimeError

    @on("completed")
    def working(*arguments):
        seen.append(arguments)

    run_hooks("completed", "message", "context", 5)

    assert seen == [("message", "context", 5)]


def test_a_hook_with_an_unknown_name_is_refused():
    with pytest.raises(InvalidOption, match="finished"):
        on("finished")


def test_on_dead_is_called_for_its_own_message_only():
    seen = []
    on_dead(TestMessage)(lambda message, letter: seen.append((message, letter.reason)))
    on_dead(EmailMessage)(lambda *_: seen.append("wrong"))
    message = TestMessage(data=TestData(test_type="x"))

    run_dead_hooks(message, letter())

    assert seen == [(message, "permanent")]


def test_a_worker_refuses_queues_whose_types_it_cannot_handle_and_names_them():
    handles(EmailMessage)(lambda _: None)

    check_handlers(["email"], Settings())
    with pytest.raises(HandlerNotFound, match=r"NOTIFICATION \(queue notifications\)"):
        check_handlers(["email", "notifications"], Settings())


def test_a_route_decides_which_handlers_a_queue_needs():
    settings = Settings(queue_routes={"EMAIL": "mail"})

    check_handlers(["email"], settings)
    with pytest.raises(HandlerNotFound, match="queue mail"):
        check_handlers(["mail"], settings)


@pytest.mark.parametrize(
    ("routes", "queue"),
    [
        ({"EMAIL:acme": "vip"}, "vip"),
        ({"EMAIL:acme": "vip"}, "email"),
        ({"EMAIL": "mail_{tenant}"}, "mail_acme"),
    ],
)
def test_tenant_routes_count_as_well(routes, queue):
    with pytest.raises(HandlerNotFound, match=f"EMAIL .queue {queue}."):
        check_handlers([queue], Settings(queue_routes=routes))


def test_a_package_that_does_not_exist_is_named():
    with pytest.raises(InvalidOption, match="no_such_package"):
        load_packages(["no_such_package"], setting="HANDLER_PACKAGES")


def test_an_import_error_inside_a_package_is_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "broken_app").mkdir()
    (tmp_path / "broken_app" / "__init__.py").touch()
    (tmp_path / "broken_app" / "jobs.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        load_packages(["broken_app"], setting="HANDLER_PACKAGES")
    sys.modules.pop("broken_app", None)
