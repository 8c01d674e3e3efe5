"""A worker is called by where it runs, unless somebody named it."""

import os
import socket
from uuid import uuid4

import pytest

from workers.worker_name import new_worker_name, telling_name


def test_a_name_tells_host_and_process_and_is_new_each_time() -> None:
    one, other = new_worker_name(), new_worker_name()

    assert one.startswith(f"{socket.gethostname()}-{os.getpid()}-")
    assert one != other


def test_the_name_that_somebody_gave_is_kept() -> None:
    assert telling_name("mail") == "mail"


@pytest.mark.parametrize("name", [None, "", uuid4().hex], ids=["none", "empty", "of a pool"])
def test_a_worker_that_nobody_named_gets_a_telling_name(name: str | None) -> None:
    assert telling_name(name).startswith(socket.gethostname())
