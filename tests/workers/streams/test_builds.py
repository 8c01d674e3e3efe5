"""The lines that people type to add a build by hand, as a worker sees them."""

import shlex

from messages import BuildConfig, BuildData, BuildMessage
from tests.workers.streams.places import own
from tests.workers.streams.readers import Consumer, pending
from workers import dead_letters, handles, publish, stream_keys
from workers.registry import separate_registry

WITH_REPOSITORY = """
XADD raibid:jobs "*" job_id test-1 job_type build repository raibid-labs/raibid-cli
"""
WITHOUT = 'XADD raibid:jobs "*" job_id test-1 job_type build'


def run(redis) -> list[BuildMessage]:
    """Run what is in the stream; returns the messages that reached the handler."""
    handled: list[BuildMessage] = []
    with separate_registry():

        @handles(BuildMessage)
        def handle(message: BuildMessage) -> None:
            handled.append(message)

        Consumer(redis, own("raibid:jobs")).run_all()
    assert pending(redis, own("raibid:jobs")) == {}
    return handled


def typed(redis, line: str) -> None:
    command, name, *rest = shlex.split(line)
    redis.execute_command(command, own(name), *rest)
    redis.sadd(stream_keys.streams(), own(name))  # as the search does


def test_a_line_with_the_repository_is_a_build_of_its_main_branch(redis) -> None:
    typed(redis, WITH_REPOSITORY)
    (build,) = run(redis)

    assert build.message_id == "test-1"
    assert build.data == BuildData(repository="raibid-labs/raibid-cli")
    assert (build.data.branch, build.data.commit, build.data.priority) == ("main", "", "normal")
    assert build.data.config == BuildConfig(build_steps=(), timeout_minutes=30)


def test_a_line_without_it_is_a_dead_letter_that_names_it(redis) -> None:
    typed(redis, WITHOUT)

    assert run(redis) == []
    letter = dead_letters.find("test-1", connection=redis)
    assert letter is not None
    assert letter.reason == "invalid_payload"
    assert "data.repository" in letter.error


def test_a_test_of_a_repository_is_no_test_message(redis) -> None:
    data = BuildData(job_type="test", repository="acme/shop", commit="7629e52")
    publish(BuildMessage(data=data), connection=redis, stream=own("raibid:jobs"))
    (build,) = run(redis)

    assert build.data == data
