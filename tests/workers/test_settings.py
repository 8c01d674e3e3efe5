import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from redis import Redis
from rq.cli.helpers import get_redis_from_config

from workers import Settings, keys
from workers.connection import connect, demo_url
from workers.rq_settings import redis_url, sentinel

ROOT = Path(__file__).parents[2]


def read(monkeypatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


def test_the_defaults_are_those_of_the_requirements(monkeypatch):
    settings = read(monkeypatch)

    assert (settings.redis_host, settings.redis_port, settings.redis_db) == ("127.0.0.1", 6379, 0)
    assert (settings.redis_timeout, settings.redis_ssl) == (10, False)
    assert (settings.job_timeout, settings.result_ttl) == (600, 86_400)
    assert settings.queue_job_ttl is None
    assert {"note_enrichment", "activity_schema"} <= set(settings.queues)


def test_every_variable_of_requirement_004_is_read(monkeypatch):
    settings = read(
        monkeypatch,
        REDIS_HOST="redis.internal",
        REDIS_PORT="7000",
        REDIS_DB="3",
        REDIS_PASSWORD="hush",
        REDIS_SSL="true",
        REDIS_TIMEOUT="4",
        QUEUE_JOB_TIMEOUT="30",
        QUEUE_JOB_TTL="3600",
    )

    assert redis_url(settings) == (
        "rediss://:hush@redis.internal:7000/3?socket_connect_timeout=4.0"
    )
    assert (settings.job_timeout, settings.queue_job_ttl) == (30, 3600)


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"JOB_TIMEOUT": "10m"}, 600),
        ({"JOB_TIMEOUT": "1h"}, 3600),
        ({"JOB_TIMEOUT": "45"}, 45),
        ({"JOB_TIMEOUT": "10m", "QUEUE_JOB_TIMEOUT": "20"}, 20),
    ],
)
def test_job_timeout_speaks_rqs_language_and_queue_job_timeout_wins(
    monkeypatch, environment, seconds
):
    assert read(monkeypatch, **environment).job_timeout == seconds


def test_lists_and_rules_are_written_with_commas(monkeypatch):
    settings = read(
        monkeypatch,
        QUEUES="a, b ,c",
        QUEUE_ROUTES="EMAIL=mail, NOTE_ENRICHMENT:acme=vip",
        QUEUE_WEIGHTS="5:4:1",
        ALLOW_FOREIGN_JOBS="myapp.jobs,other",
    )

    assert settings.queues == ("a", "b", "c")
    assert settings.queue_routes == {"EMAIL": "mail", "NOTE_ENRICHMENT:acme": "vip"}
    assert settings.queue_weights == (5, 4, 1)
    assert settings.allow_foreign_jobs == ("myapp.jobs", "other")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_PORT", "70000"),
        ("REDIS_TIMEOUT", "0"),
        ("QUEUE_WEIGHTS", "6:3:0"),
        ("QUEUE_ROUTES", "EMAIL"),
        ("REDIS_PASSWORD_FILE", "/nowhere/at/all"),
        ("RESULT_TTL", "soon"),
        ("JOB_TIMEOUT", "soon"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(monkeypatch, name, value):
    with pytest.raises(ValidationError):
        read(monkeypatch, **{name: value})


def test_a_refusal_does_not_print_the_value(monkeypatch):
    with pytest.raises(ValidationError) as refused:
        read(monkeypatch, REDIS_PASSWORD="hush-hush", REDIS_PORT="hush-hush")

    assert "hush-hush" not in str(refused.value)


def test_passwords_come_from_files_too(monkeypatch, tmp_path):
    password = tmp_path / "password"
    password.write_text("from-file\n")
    password.chmod(0o600)

    settings = read(monkeypatch, REDIS_PASSWORD_FILE=str(password))

    assert settings.password().get_secret_value() == "from-file"
    assert "from-file" not in repr(settings)


def test_a_credentials_file_names_the_whole_address(monkeypatch, tmp_path):
    credentials = tmp_path / "credentials.json"
    credentials.write_text(
        json.dumps({"host": "far", "port": 6380, "password": "p@ss", "db": 2, "tls": True})
    )
    credentials.chmod(0o600)

    settings = read(monkeypatch, REDIS_CREDENTIALS_FILE=str(credentials))

    assert redis_url(settings).startswith("rediss://:p%40ss@far:6380/2?")
    kwargs = connect(settings).connection_pool.connection_kwargs
    assert (kwargs["host"], kwargs["port"], kwargs["password"]) == ("far", 6380, "p@ss")


def test_rq_is_given_tls_files_and_timeout_in_the_url(monkeypatch, tmp_path):
    authority = tmp_path / "ca.pem"
    settings = read(
        monkeypatch,
        REDIS_URL="rediss://secure:6379/1",
        REDIS_SSL_CA_CERTS=str(authority),
        REDIS_TIMEOUT="3",
    )

    client = get_redis_from_config({"REDIS_URL": redis_url(settings)})

    kwargs = client.connection_pool.connection_kwargs
    assert kwargs["socket_connect_timeout"] == 3.0
    assert kwargs["ssl_ca_certs"] == str(authority)


def test_rq_understands_our_sentinels(monkeypatch):
    settings = read(
        monkeypatch,
        REDIS_SENTINELS="one:26379,two:26380",
        REDIS_SENTINEL_MASTER="queue",
        REDIS_SENTINEL_PASSWORD="guard",
        REDIS_PASSWORD="hush",
    )

    asked = sentinel(settings)
    client = get_redis_from_config({"REDIS_URL": None, "SENTINEL": asked})

    assert asked["INSTANCES"] == [("one", 26379), ("two", 26380)]
    assert client.connection_pool.service_name == "queue"
    assert client.connection_pool.connection_kwargs["password"] == "hush"
    assert connect(settings).connection_pool.service_name == "queue"


def test_worker_settings_has_the_names_that_rq_reads(redis_server):
    program = "import worker_settings as s; print(s.REDIS_URL, s.SENTINEL, s.QUEUES, s.JOB_TIMEOUT)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        env={"REDIS_URL": redis_server.url, "QUEUES": "a,b", "JOB_TIMEOUT": "1m", "PATH": ""},
    )

    url, *rest = done.stdout.split(" ", 1)
    with Redis.from_url(url) as client:
        assert client.ping()
    assert rest == ["None ['a:high', 'b:high', 'a', 'b', 'a:low', 'b:low'] 60\n"]


def test_a_running_demo_is_found_when_no_server_is_named(
    monkeypatch, tmp_path, redis_server, redis
):
    (tmp_path / "redis.json").write_text(json.dumps({"url": redis_server.url, "pid": 1}))
    monkeypatch.delenv("REDIS_URL")
    settings = read(monkeypatch, DATA_DIR=str(tmp_path))

    with connect(settings) as client:
        client.set(keys.job("seen"), 1)

    assert redis.exists(keys.job("seen"))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": 5}', '{"url": "redis://127.0.0.1:1"}'])
def test_what_a_dead_demo_left_behind_is_not_used(monkeypatch, tmp_path, content):
    (tmp_path / "redis.json").write_text(content)
    settings = read(monkeypatch, DATA_DIR=str(tmp_path))

    assert connect(settings).connection_pool.connection_kwargs["port"] == 6379


def test_no_file_is_no_demo(tmp_path):
    assert demo_url(tmp_path) is None
