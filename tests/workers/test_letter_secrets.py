"""What a letter says of a death holds no secrets; its message does, or nobody could replay it."""

import json
import sys

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from postroom.cli import main
from tests.processes import ask_until_true
from tests.workers.pin_app import PinMessage
from workers import By, dead_letters, enqueue, keys, settings
from workers.burial import Death, bury_job
from workers.reconcile import bury_failed
from workers.redaction import read_secrets_anew

BY = By("ada", "looking")
PIN, SPARE, TOKEN = "letter-77ab19f6c2", "spare-51d0e7b3a8", "canary-0c94be62d1"
APP = {
    "MESSAGE_PACKAGES": "messages,tests.workers.pin_app",
    "HANDLER_PACKAGES": "tests.workers.pin_app",
}


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv("BANK_TOKEN", TOKEN)
    read_secrets_anew()
    yield
    read_secrets_anew()


@pytest.fixture
def cli(redis, monkeypatch, capsys):
    """What `postroom dead-letters` writes."""
    for name, value in APP.items():
        monkeypatch.setenv(name, value)
    settings.load_settings.cache_clear()

    def _cli(*words):
        monkeypatch.setattr(sys, "argv", ["postroom", "dead-letters", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main()
        return "".join(capsys.readouterr())

    return _cli


def envelope(pin=PIN):
    data = {"holder": "Ada", "pin": pin, "spares": [SPARE]}
    return {"messageType": "TESTS_PIN", "data": data}


def leaks(text):
    return [secret for secret in (PIN, SPARE, TOKEN) if secret in text]


def told(letter):
    """All that a letter says beside the message."""
    return json.dumps([letter.error, letter.traceback, *letter.attempts])


def send(redis, sent):
    queue = Queue("tests-pins", connection=redis, serializer=JSONSerializer)
    return queue.enqueue("workers.jobs.run_message", sent)


@pytest.mark.parametrize(
    ("pin", "reason"), [(PIN, "invalid_payload"), (PIN.removeprefix("letter-"), "permanent")]
)
def test_neither_a_check_nor_a_handler_tells_a_secret(redis, cli, start_worker, pin, reason):
    worker = start_worker(queues=("tests-pins",), env={**APP, "BANK_TOKEN": TOKEN})

    job = send(redis, envelope(pin))

    letter = ask_until_true(lambda: dead_letters.find(job.id, connection=redis))
    assert letter.reason == reason
    assert "***" in letter.error
    shown = told(letter) + cli("list", "--json") + cli("list") + cli("show", job.id, "--json")
    shown += cli("show", job.id)
    assert leaks(shown) == []
    assert pin not in shown
    assert leaks(worker.process.output()) == []


def test_an_export_keeps_the_message_whole_and_nothing_else_that_is_secret(redis, cli, now):
    death = Death(
        "job-1", "default", "permanent", f"{PIN} is wrong", envelope(), f"{TOKEN} {SPARE}"
    )
    bury_job(death, meta={}, now=now, connection=redis)

    (line,) = cli("export").splitlines()

    exported = json.loads(line)
    assert exported.pop("envelope") == envelope()
    assert leaks(json.dumps(exported)) == []


def test_what_a_stock_worker_said_of_a_death_is_cleaned(redis, now):
    sent = PinMessage.model_validate(envelope("1234-5678"))
    handle = enqueue(sent, connection=redis)
    queue = Queue("tests-pins", connection=redis, serializer=JSONSerializer)
    job = queue.fetch_job(handle.id)
    job.set_status("failed")
    text = f"Traceback\nOSError: {TOKEN} refused 1234-5678 and {SPARE}"
    queue.failed_job_registry.add(job, ttl=60, exc_string=text)
    with redis.pipeline() as pipe:
        job._handle_failure(text, pipe, worker_name="stock")
        pipe.execute()

    assert bury_failed("tests-pins", now=now, connection=redis) == 1

    letter = dead_letters.find(handle.id, connection=redis)
    assert letter.error == "OSError: *** refused *** and ***"
    assert leaks(letter.traceback) == []
    assert "1234-5678" not in letter.traceback


def test_of_what_cannot_be_read_whatever_looks_like_a_secret_is_masked(redis, cli, now):
    record = {"data": f'["f", null, [{{"password": "{PIN}"', "meta": f"token={SPARE}"}
    death = Death("job-1", "default", "corrupt", f"password={PIN}", record)
    bury_job(death, meta={}, now=now, connection=redis)
    text = Death("job-2", "default", "not_json", "It is no JSON.", f'{{"api_key": "{PIN}"')
    bury_job(text, meta={}, now=now, connection=redis)

    shown = [cli(*words) for words in (("list",), ("show", "job-1"), ("show", "job-2", "--json"))]

    assert leaks("".join(shown)) == []


def test_an_empty_secret_hides_nothing_and_a_short_one_no_part_of_a_word(redis, now):
    sent = envelope("")
    sent["data"]["spares"] = ["o", " "]
    death = Death("job-1", "default", "permanent", "o is out of stock", sent, "Traceback\n    boom")

    bury_job(death, meta={}, now=now, connection=redis)

    letter = dead_letters.find("job-1", connection=redis)
    assert (letter.error, letter.traceback) == ("*** is out of stock", "Traceback\n    boom")


def test_the_audit_log_knows_no_secret(redis, cli, now):
    bury_job(
        Death("job-1", "default", "permanent", "wrong", envelope("1234")),
        meta={},
        now=now,
        connection=redis,
    )

    cli("edit", "job-1", "--data", json.dumps({"pin": TOKEN, "spares": [SPARE]}))
    cli("replay", "job-1")

    assert leaks(str(redis.xrange(keys.audit()))) == []
