"""What the messages of one run are about: rows of its own, so that no other run touches them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import uuid4

from sqlalchemy import delete

from handlers.parts.database import transaction
from handlers.parts.guild_sample import draw_images
from handlers.parts.guild_tables import Attachment, GuildMessage, ThumbnailStatus
from handlers.parts.sample import load_sample_data
from handlers.parts.tables import (
    Activity,
    Exercise,
    JsonDict,
    Note,
    Phase,
    Plan,
    TrainingSession,
    User,
)

RUN = "demoRun"
"""The key of a message's metadata that names the demo's run."""

NOTES = (
    "leg day!!  felt strong\n* squats 3x12\n*  deadlift 120kg",
    "Knee hurts a little\nafter the long run; ask Mary about shoes",
    "PLAN FOR NEXT WEEK\n- run tue\n- swim thu\n- rest sun",
    "new 5k best: 24:10   (was 24:55)",
)
ACTIVITIES = (
    ("Run", {"distance": {"type": "number"}, "surface": {"enum": ["road", "trail"]}}),
    ("Swim", {"lengths": {"type": "integer"}, "stroke": {"type": "string"}, "pool": {}}),
    ("Meal", {"dish": {"type": "string"}, "kcal": {"type": "integer"}}),
)
LONG_DESCRIPTION = (
    "What is recorded of one such activity. Leave out what you do not know, and use the units of "
    "your own country; the reports convert them. Older entries may lack what was added later."
)
SAYINGS = (
    "Look at https://example.com/week and https://example.com/shoes",
    "Who runs on Thursday?",
    "I do, see https://example.com/week.",
)
EXERCISES = ("Goblet squat", "Deadlift", "Bench press", "Row", "Clean", "Calf raise")


def _numbers() -> Callable[[], int]:
    numbers = count(1)
    return lambda: next(numbers)


@dataclass(frozen=True)
class World:
    """The rows of one run, whose ids hold the run's.

    Args:
        backups: The folder its backups go to.
        run: The run's id.
        next_number: Gives a new number each time.
    """

    backups: Path
    run: str = field(default_factory=lambda: uuid4().hex[:8])
    next_number: Callable[[], int] = field(default_factory=_numbers)

    def new_id(self, kind: str) -> str:
        """An id that no other row has."""
        return f"{kind}-{self.run}-{self.next_number()}"

    def own_id(self, kind: str) -> str:
        """The id of the run's only row of a kind."""
        return f"{kind}-{self.run}"

    def exercise_id(self, number: int) -> str:
        """The id of one of the plan's exercises, counted from 0."""
        return f"exercise-{self.run}-{number % len(EXERCISES)}"

    def add_note(self, *, long: bool) -> str:
        """Write a note as a person would; returns its id."""
        number = self.next_number()
        short = NOTES[number % len(NOTES)]
        text = "\n\n".join((*NOTES, f"Copied together for entry {number} of {self.run}"))
        note = Note(id=f"note-{self.run}-{number}", text=text if long else short)
        with transaction() as session:
            session.add(note)
        return note.id

    def add_activity(self, *, long: bool) -> str:
        """Declare a kind of activity; returns its id."""
        number = self.next_number()
        name, properties = ACTIVITIES[number % len(ACTIVITIES)]
        schema: JsonDict = {"type": "object", "properties": properties}
        if long:
            schema["description"] = f"{LONG_DESCRIPTION} Entry {number} of {self.run}."
        activity = Activity(id=f"activity-{self.run}-{number}", name=name, json_schema=schema)
        with transaction() as session:
            session.add(activity)
        return activity.id

    def add_user(self) -> str:
        """Let somebody sign up; returns the id."""
        user = User(id=self.new_id("user"), name="Edsger", email="edsger@example.com")
        with transaction() as session:
            session.add(user)
        return user.id

    def add_channel(self, guild_id: str) -> tuple[str, Sequence[str]]:
        """Let people write in a new channel of a guild.

        Args:
            guild_id: The guild.

        Returns:
            The channel, and its messages.
        """
        channel = self.new_id("channel")
        rows = [
            GuildMessage(
                id=f"{channel}-{number}",
                guild_id=guild_id,
                channel_id=channel,
                author_id=f"user-{123 + number % 3}",
                text=text,
                posted_at=datetime.now(UTC),
            )
            for number, text in enumerate(SAYINGS)
        ]
        with transaction() as session:
            session.add_all(rows)
        return channel, [row.id for row in rows]

    def add_image(self, guild_id: str) -> tuple[str, str]:
        """Let somebody share an image whose thumbnail fails.

        Args:
            guild_id: The guild.

        Returns:
            The channel, and the image.
        """
        channel, (message, *_) = self.add_channel(guild_id)
        image = Attachment(
            id=message,
            message_id=message,
            path=f"{message}.png",
            status=ThumbnailStatus.FAILED,
            attempts=1,
            error="the worker was restarted",
        )
        draw_images([{"id": image.id, "path": image.path}])
        with transaction() as session:
            session.add(image)
        return channel, message

    def remove_user(self, user_id: str) -> None:
        """Lose somebody's row, so that an import has something to restore."""
        with transaction() as session:
            session.execute(delete(User).where(User.id == user_id))


def new_world(backups: Path) -> World:
    """Load the sample data, and beside it a plan for this run alone.

    Args:
        backups: The folder its backups go to.
    """
    world = World(backups)
    load_sample_data()
    exercises = [
        Exercise(id=world.exercise_id(number), name=name, position=number, sets=3, reps=10)
        for number, name in enumerate(EXERCISES)
    ]
    training = TrainingSession(id=world.own_id("session"), title="Whole body", exercises=exercises)
    phase = Phase(id=world.own_id("phase"), title="Foundation", sessions=[training])
    plan = Plan(id=world.own_id("plan"), title=f"Plan of run {world.run}", phases=[phase])
    with transaction() as session:
        session.add(plan)
    return world
