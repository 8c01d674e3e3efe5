"""`postroom new-message`: what it writes works at once, and it never overwrites anything."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from postroom.cli import main
from postroom.scaffold import Names, Places, ScaffoldRefused, names_of, planned_files
from tests.docs.documents import ROOT
from tests.docs.sandbox import copy_project
from tests.processes import StartedProcess, StartProcess
from workers import settings

Run = Callable[..., StartedProcess]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A scratch copy of the project."""
    root = tmp_path / "checkout"
    copy_project(root)
    (root / "tests" / "handlers").mkdir(parents=True)
    return root


@pytest.fixture
def run(checkout: Path, start_process: StartProcess) -> Run:
    """Run a command in the scratch copy until it ends well."""

    def _run(*words: str | Path, code: int = 0) -> StartedProcess:
        environment = {"PYTHONPATH": str(checkout), "MYPY_CACHE_DIR": os.devnull}  # read by nobody
        process = start_process(*words, cwd=checkout, env=environment)
        assert process.popen.wait(120) == code, process.output()
        return process

    return _run


@pytest.mark.slow(reason="mypy, ruff, pytest and a real worker each look at the new files")
def test_what_it_writes_is_sent_run_tested_and_linted_as_it_is(
    redis: Redis, checkout: Path, run: Run, start_process: StartProcess
) -> None:
    told = run("postroom", "new-message", "InvoicePaid", "--queue", "billing").output()
    written = ["messages/invoice_paid.py", "handlers/invoice_paid.py"]
    written.append("tests/handlers/test_invoice_paid.py")
    assert all(f"Wrote {path}" in told for path in written)

    run("ruff", "check", *written)
    run("ruff", "format", "--check", *written)
    run("mypy", *written)
    assert "3 passed" in run("python", "-m", "pytest", "-q", written[2]).output()

    data = '{"invoiceId": "invoice-9"}'
    sent = run("postroom", "send", "INVOICE_PAID", "--data", data, "--json").output()
    job_id = json.loads(sent)["jobId"]
    worker = start_process(
        *("rq", "worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "billing"),
        cwd=checkout,
        env={"PYTHONPATH": str(checkout)},
    )
    worker.wait_for("Completed INVOICE_PAID", within=30)
    shown = run("postroom", "job", job_id).output()
    assert "finished (queue billing)" in shown
    assert '"invoiceId": "invoice-9"' in shown
    assert "Invoice paid handled" in shown


@pytest.mark.drill
@pytest.mark.slow(reason="the tests of messages, handlers and documents are loaded once more")
def test_a_type_more_leaves_the_tests_of_the_shipped_ones_as_they_are(
    redis: Redis, checkout: Path, run: Run
) -> None:
    for name in ("tests", "docs"):
        shutil.copytree(ROOT / name, checkout / name, dirs_exist_ok=True)
    shutil.copy2(ROOT / "README.md", checkout)
    run("postroom", "new-message", "INVOICE")

    files = ("messages/test_wire.py", "handlers/test_every_handler.py", "docs/test_tables.py")
    paths = [f"tests/{file}" for file in (*files, "handlers/test_invoice.py")]
    words = ("-q", "-k", "shipped and not postgres or invoice", *paths)
    told = run("python", "-m", "pytest", *words).output()

    assert "6 passed" in told


def test_a_queue_that_no_worker_serves_comes_with_the_setting_that_it_needs(
    checkout: Path, run: Run
) -> None:
    told = run("postroom", "new-message", "INVOICE", "--queue", "billing").output()
    assert "set QUEUES=email," in told
    assert ",default,billing" in told

    answer = json.loads(run("postroom", "new-message", "PARCEL", "--json").output())
    assert answer["remarks"] == []
    assert answer["queue"] == "default"
    assert 'queue: ClassVar[str] = "default"' in (checkout / "messages/parcel.py").read_text()


def test_packages_of_ones_own_are_imported_by_their_names(checkout: Path, run: Run) -> None:
    for folder in ("shop/messages", "shop/handlers", "shop/tests"):
        (checkout / folder).mkdir(parents=True)
    words = ("--messages-dir", "shop/messages", "--handlers-dir", "shop/handlers")

    told = run(*("postroom", "new-message", "ORDER", *words, "--tests-dir", "shop/tests")).output()

    assert "MESSAGE_PACKAGES=messages,shop.messages" in told
    assert "HANDLER_PACKAGES=handlers,shop.handlers" in told
    handler = (checkout / "shop/handlers/order.py").read_text()
    assert "from shop.messages.order import OrderMessage" in handler
    assert "3 passed" in run("python", "-m", "pytest", "-q", "shop/tests").output()


@pytest.mark.parametrize(
    ("name", "file", "wire", "stem", "field"),
    [
        ("INVOICE", "invoice", "INVOICE", "Invoice", "invoice_id"),
        ("InvoicePaid", "invoice_paid", "INVOICE_PAID", "InvoicePaid", "invoice_id"),
        ("invoice-paid", "invoice_paid", "INVOICE_PAID", "InvoicePaid", "invoice_id"),
        ("OrderShippedMessage", "order_shipped", "ORDER_SHIPPED", "OrderShipped", "order_id"),
        ("HTMLPage", "html_page", "HTML_PAGE", "HtmlPage", "html_page_id"),
        ("stock_update", "stock_update", "STOCK_UPDATE", "StockUpdate", "stock_id"),
        ("Paid", "paid", "PAID", "Paid", "paid_id"),
    ],
)
def test_the_names_follow_from_one(name: str, file: str, wire: str, stem: str, field: str) -> None:
    names = names_of(name)

    assert (names.file, names.wire, names.stem, names.field) == (file, wire, stem, field)


@pytest.mark.parametrize("name", ["", "5 rings", "../evil", "a/b", "class", "Ünïcode", "x" * 81])
def test_a_name_that_cannot_be_used_is_refused(name: str) -> None:
    with pytest.raises(ScaffoldRefused) as refused:
        names_of(name)

    assert refused.value.field == "name"
    assert "InvoicePaid" in refused.value.remedy


def test_a_class_that_pytest_would_collect_says_that_it_is_no_test(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)

    message = planned_files(names_of("TestDrive"), "default", Places())[
        Path("messages/test_drive.py")
    ]

    assert message.count("    __test__ = False\n") == 2


@pytest.fixture
def refused(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What it says when it refuses; run in this process, in the scratch copy."""
    monkeypatch.chdir(checkout)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def call(*arguments: str) -> str:
        settings.load_settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["postroom", "new-message", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        return capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("arguments", "cause", "remedy"),
    [
        (["EMAIL"], "messages.email.EmailMessage declares EMAIL already", "another name"),
        (["BASE"], "messages/base.py would be overwritten", "Choose another name"),
        (["INVOICE", "--queue", "a:b"], "'a:b' cannot be the name of a queue", "Use letters"),
        (["INVOICE", "--messages-dir", "nowhere"], "nowhere is no package", "--messages-dir"),
        (["INVOICE", "--handlers-dir", "../up"], "../up is no package", "--handlers-dir"),
        (["INVOICE", "--tests-dir", "nowhere"], "There is no folder nowhere", "--tests-dir"),
    ],
)
def test_what_would_do_harm_is_refused_and_nothing_is_written(
    refused: Callable[..., str], checkout: Path, arguments: list[str], cause: str, remedy: str
) -> None:
    before = sorted(checkout.glob("*/*.py"))

    told = refused(*arguments)

    assert cause in told
    assert remedy in told
    assert sorted(checkout.glob("*/*.py")) == before


def test_one_file_that_exists_keeps_the_others_from_being_written(
    refused: Callable[..., str], checkout: Path
) -> None:
    (checkout / "handlers/invoice.py").write_text("# mine\n")

    assert "handlers/invoice.py would be overwritten" in refused("INVOICE")

    assert (checkout / "handlers/invoice.py").read_text() == "# mine\n"
    assert not (checkout / "messages/invoice.py").exists()


def test_names_are_values() -> None:
    assert names_of("INVOICE") == Names(("invoice",))
