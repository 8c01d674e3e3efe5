"""What a person saw as `***` is not written over the secret that it stood for."""

import pytest

from messages import InvalidMessage, new_message
from tests.workers.letters import bury_message
from tests.workers.pin_app import PinMessage
from workers import By, dead_letters

BY = By("ada", "a slip")
DATA = {"holder": "Ada", "pin": "pin-77ab19f6c2", "spares": ["spare-51d0e7b3a8", "***"]}


@pytest.fixture
def job_id(redis):
    return bury_message(redis, new_message(PinMessage.model_fields["message_type"].default, DATA))


@pytest.mark.parametrize(
    ("patch", "field"), [({"pin": "***"}, "data.pin"), ({"spares": "***"}, "data.spares")]
)
def test_a_mask_does_not_replace_a_secret(redis, job_id, patch, field):
    for change in (dead_letters.edit, _replay):
        with pytest.raises(InvalidMessage, match="only stands for its secret") as refused:
            change(job_id, patch, by=BY, connection=redis)
        assert refused.value.field == field

    assert dead_letters.find(job_id, connection=redis).envelope["data"] == DATA


def test_three_stars_elsewhere_are_a_text_like_others(redis, job_id):
    dead_letters.edit(job_id, {"holder": "***"}, by=BY, connection=redis)

    assert dead_letters.find(job_id, connection=redis).envelope["data"]["holder"] == "***"


def _replay(job_id, patch, *, by, connection):
    dead_letters.replay(job_id, data=patch, by=by, connection=connection)
