import pytest
from rq import Callback
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from workers.foreign import is_ours, refusal
from workers.record import JOB_FUNCTION


def job(redis, function=JOB_FUNCTION, **extras):
    return Job.create(function, args=[{}], connection=redis, serializer=JSONSerializer, **extras)


def webhook(url):
    return Webhook(url, job_status="finished")


def test_our_own_jobs_need_no_permission(redis):
    assert refusal(job(redis), ()) is None
    assert is_ours(job(redis))


@pytest.mark.parametrize("extra", ["on_success", "on_failure", "on_stopped"])
def test_a_callback_is_as_foreign_as_a_function(redis, extra):
    name = "json.dumps"
    found = job(redis, **{extra: Callback(name)})

    assert f"callback {name}" in refusal(found, ())
    assert not is_ours(found)
    assert refusal(found, ("json",)) is None


@pytest.mark.parametrize("name", ["codecs.open", "decoder.scanner.re.compile", "no_such_name"])
def test_what_an_allowed_module_has_imported_is_not_allowed_with_it(redis, name):
    assert "cannot be imported, or" in refusal(job(redis, f"json.{name}"), ("json",))


def test_a_webhook_is_a_request_that_redis_could_choose(redis):
    found = job(redis, webhooks=[webhook("http://169.254.169.254/latest")])

    assert "webhook 169.254.169.254" in refusal(found, ("myapp",))
    assert refusal(found, ("169.254.169.254",)) is None


def test_a_bound_instance_is_refused(redis):
    found = job(redis)
    found.data = b'["workers.jobs.run_message", {"some": "object"}, [{}], {}]'

    assert "instance" in refusal(found, ())


@pytest.mark.parametrize(
    ("function", "allowed", "may_run"),
    [
        ("myapp.jobs.send", (), False),
        ("json.decoder.JSONDecoder", ("json",), True),
        ("json.dumps", ("json.dumps",), True),
        ("json.loads", ("json.dumps",), False),
        ("json.dumps", ("js",), False),
        ("myapp_evil.send", ("myapp",), False),
        ("os.system", ("*",), True),
        ("workers.jobs.run_message.__globals__", (), False),
    ],
)
def test_a_function_runs_when_a_dotted_prefix_allows_it(redis, function, allowed, may_run):
    assert (refusal(job(redis, function), allowed) is None) == may_run
