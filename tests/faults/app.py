"""The application of the drills: its one handler. Loaded by `HANDLER_PACKAGES=tests.faults.app`."""

from datetime import timedelta

from messages import TestMessage
from tests.faults.behaviours import noted
from workers import Context, RetryPolicy, handles

POLICY = RetryPolicy(base=timedelta(seconds=1), kind="fixed", jitter=False)


@handles(TestMessage, retry=POLICY)
def run(message: TestMessage, context: Context) -> object:
    """Do what the message's testType says, for `newValue` seconds."""
    return noted(context.job_id, message.data.test_type, message.data.payload.new_value)
