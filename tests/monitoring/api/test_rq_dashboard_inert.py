"""No text from Redis becomes a script in rq-dashboard: 200 try it, in every text that it shows."""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from redis import Redis
from rq import Queue, Worker
from rq.job import Job
from rq.results import Result
from rq.serializers import JSONSerializer

from monitoring.web.rq_dashboard.pages import safe_page
from tests.monitoring.pages import Seen
from tests.monitoring.payloads_xss import PAYLOADS
from workers import keys

LEAST = 200
HARMLESS = "harmless"


def hashes(policy: str, directive: str) -> set[str]:
    (found,) = [part for part in policy.split("; ") if part.startswith(f"{directive} ")]
    return set(re.findall(r"'sha256-([^']+)'", found))


def hash_of(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def poison(worker: Worker, text: str) -> str:
    """Put a text wherever rq-dashboard shows one; returns the id of the job that has it all."""
    redis = worker.connection
    queue = Queue(name_of(text), connection=redis, serializer=JSONSerializer)
    job = queue.enqueue(
        text, args=(text,), kwargs={text: text}, description=text, meta={text: text}
    )
    worker.name, worker.queues = f"w{text}", [queue]
    worker.register_birth()
    redis.hset(worker.key, mapping={"version": text, "python_version": text})
    worker.prepare_execution(job)
    queue.failed_job_registry.add(job, ttl=60)
    redis.sadd(job.dependencies_key, text)
    Result.create(job, Result.Type.SUCCESSFUL, 60, return_value={text: [text]})
    Result.create_failure(job, 60, text)
    return job.id


def name_of(text: str) -> str:
    """A queue's name; in a path it ends at a slash."""
    return f"q{text.replace('/', '')}"


def view_of(text: str) -> str:
    """The path of the page of a text's queue; that of its job shows only the id in its HTML."""
    return f"0/view/jobs/{quote(name_of(text), safe='')}/failed/8/asc/1"


def data_of(text: str, job_id: str) -> Sequence[str]:
    """The paths of what the scripts of both pages insert."""
    place = quote(name_of(text), safe="")
    return f"0/data/job/{job_id}.json", f"0/data/jobs/{place}/failed/8/asc/1.json"


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)
    elif isinstance(value, str):
        yield value


@pytest.mark.filterwarnings("ignore:CLIENT SETNAME")
def test_every_text_comes_back_inert(redis: Redis, admin, capsys) -> None:
    worker = Worker([], name="w", connection=redis, serializer=JSONSerializer)
    jobs = {text: poison(worker, text) for text in (HARMLESS, *PAYLOADS)}
    with admin:  # one event loop for all requests
        shape = shape_of(admin, view_of(HARMLESS))
        workers = json_of(admin, "0/data/workers.json")
        for text, job_id in jobs.items():
            told = [workers, *(json_of(admin, path) for path in data_of(text, job_id))]
            assert all(text in each for each in told), text
            assert shape_of(admin, view_of(text)) == shape, text
        redis.sadd(keys.queues(), *(keys.queue(text) for text in PAYLOADS))
        queues = json_of(admin, "0/data/queues.json")
        assert all(text in queues for text in PAYLOADS)
        assert shape_of(admin, view_of(HARMLESS)) == shape
    with capsys.disabled():
        print(f"\n{len(PAYLOADS)} texts came back inert.")  # noqa: T201
    assert len(set(PAYLOADS)) >= LEAST


def json_of(admin, path: str) -> str:
    """All texts of an answer, in lines."""
    answer = admin.get(f"/rq/{path}")
    assert answer.status_code == 200, path
    assert answer.headers["content-type"] == "application/json"
    assert not set("<>&") & set(answer.text), path
    return "\n".join(texts_in(answer.json()))


def shape_of(admin, path: str) -> Any:
    """The elements of a page, whose policy lets nothing but its own scripts run."""
    answer = admin.get(f"/rq/{path}")
    assert answer.status_code == 200, path
    seen = Seen(answer.text)
    check_policy(answer.headers["content-security-policy"], seen)
    return seen.shape


def check_policy(policy: str, seen: Seen) -> None:
    """Only the page's own scripts and styles may do anything."""
    scripts = [
        code
        for code, (_, names) in zip(
            seen.code["script"], [each for each in seen.tags if each[0] == "script"], strict=True
        )
        if names.get("type") == "text/javascript" and "src" not in names
    ]
    assert "unsafe" not in policy
    assert {hash_of(code) for code in scripts} == hashes(policy, "script-src")
    assert {hash_of(code) for code in seen.code["style"]} == hashes(policy, "style-src")
    assert not [names for _, names in seen.tags if "style" in names]
    assert not [each for _, names in seen.tags for each in names if each.startswith("on")]


PAGES = ("", "0/view/jobs", "0/view/workers", "0/view/jobs/email/failed/8/asc/1")


def test_what_its_scripts_insert_is_escaped_first(admin, failed_job: Job) -> None:
    inserted = set()
    for path in (*PAGES, f"0/view/job/{failed_job.id}"):
        (*_, code) = Seen(admin.get(f"/rq/{path}").text).code["script"]
        functions = code[code.index("var templates") : code.index("_.template =")]
        inserted |= set(re.findall(r"^html \+= (.*);$", functions, re.MULTILINE))
    values = {each for each in inserted if not each.startswith('"')}
    by_itself = {each for each in values if not re.fullmatch(r"shown\(.*\)", each)}

    assert len(values) > 30
    # The text of an element, read back as HTML: jQuery has escaped it.
    assert by_itself == {
        "$('<div/>').text(d.description).html()",
        "$('<div/>').text(d.exc_info).html()",
    }


def test_a_template_becomes_a_function_that_escapes_values() -> None:
    page = safe_page(
        '<html><head></head><body style="top: 0"><script name="row" type="text/template">'
        "<b><%= d.name %></b><% if (d.x) { %>x<%- d.x %><% } %></script>"
        "<script type=\"text/javascript\">_.template($('script[name=row]').html());</script>"
    ).text

    assert '<script name="row" type="text/template">row</script>' in page
    assert "html += shown(d.name);" in page
    assert "if (d.x) {\n" in page
    assert "html += shown(d.x);" in page
    assert '<body data-style="top: 0">' in page
    assert '<style>[data-style="top: 0"] { top: 0 }\n</style></head>' in page
