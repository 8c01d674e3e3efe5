"""BUILD: run the steps of a build, a test or a deployment of a repository."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field

from messages.base import Message, Payload
from messages.fields import Indexed, LogField

JobType = Literal["build", "test", "deploy"]

_PART = r"[A-Za-z0-9_\-][A-Za-z0-9_.\-]{0,99}"
_NO_NUL = r"^[^\x00]*$"  # no program can be given one


class BuildConfig(Payload):
    """What to run, and within which limits. Its fields are snake_case on the wire, too."""

    model_config = ConfigDict(alias_generator=None)

    build_steps: Annotated[
        tuple[Annotated[str, Field(pattern=_NO_NUL, min_length=1, max_length=2_000)], ...],
        Field(strict=False, max_length=100),
    ] = ()
    """Commands, one after the other, without a shell."""
    cache_enabled: bool = False
    """Whether the folder of the repository and branch is kept for the next build."""
    timeout_minutes: Annotated[int, Field(ge=1, le=1_440)] = 30


class BuildData(Payload):
    """What to build, and how."""

    job_type: JobType = "build"
    repository: Annotated[str, Field(pattern=rf"^{_PART}/{_PART}$"), LogField, Indexed]
    branch: Annotated[str, Field(pattern=_NO_NUL, min_length=1, max_length=250)] = "main"
    commit: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{0,64}$")] = ""
    config: BuildConfig = BuildConfig()
    priority: Literal["high", "normal", "low"] = "normal"


class BuildMessage(Message):
    """Runs the configured steps in a scratch folder."""

    queue: ClassVar[str] = "builds"
    stream: ClassVar[str | None] = "raibid:jobs"
    job_types: ClassVar[tuple[str, ...]] = ("build", "test", "deploy")
    timeout_seconds: ClassVar[int | None] = 1_440 * 60 + 60
    """A minute more than the longest `timeout_minutes`, which the handler keeps."""
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"repository": "raibid-labs/raibid-cli"},
        {
            "jobType": "test",
            "repository": "raibid-labs/raibid-cli",
            "branch": "main",
            "commit": "7629e52",
            "config": {"build_steps": ["make test"], "timeout_minutes": 10},
            "priority": "high",
        },
    )

    message_type: Literal["BUILD"] = "BUILD"
    data: BuildData

    @classmethod
    def of(cls, repository: str, steps: Sequence[str] = (), *, branch: str = "main") -> Self:
        """Build the message for a branch.

        Args:
            repository: As `organisation/name`.
            steps: Commands, one after the other.
            branch: The branch.
        """
        # One step is a sequence too, of letters: the field refuses it.
        build_steps = steps if isinstance(steps, str) else tuple(steps)
        config = BuildConfig(build_steps=build_steps)  # type: ignore[arg-type]
        return cls(data=BuildData(repository=repository, branch=branch, config=config))
