"""What stops a bench."""

from messages import PostroomError


class BenchFailed(PostroomError):
    """A row did not do what it was measured for, so there is nothing to show."""

    code = "bench_failed"


class InvalidRequest(PostroomError):
    """An option of `run bench` cannot be used."""

    code = "invalid_option"
