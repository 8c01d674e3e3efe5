"""What the demo sends, and what each message must lead to."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from handlers.parts.guild_sample import GUILDS
from messages import (
    ActivitySchemaMessage,
    BuildMessage,
    DataSyncMessage,
    EmailMessage,
    Message,
    MessageScanMessage,
    NoteEnrichmentMessage,
    NotificationMessage,
    TestMessage,
    ThumbnailRetryMessage,
    UserActionMessage,
    WorkoutChanges,
    WorkoutUpdateMessage,
    examples_of,
)
from postroom.demo.standins import GREYLISTED
from postroom.demo.world import RUN, World

WEIGHTS = (20.0, 22.5, 25.0, 40.0, 60.0, 82.5, 120.0)


@dataclass(frozen=True)
class Expected:
    """A message, and how it must end.

    Args:
        message: What to send.
        about: A few words for people.
        ends: `done` with its effect, or `dead` with a letter.
        retried_for: What the error of a failed attempt must say; None if it may succeed at once.
        reason: The reason the dead letter must give.
        then: Makes the message to send once this one has ended as it should.
        lane: Whether it goes to a queue, or is published to a stream.
    """

    message: Message
    about: str
    ends: Literal["done", "dead"] = "done"
    retried_for: str | None = None
    reason: str | None = None
    then: "Callable[[], Expected] | None" = None
    lane: Literal["queue", "stream"] = "queue"


M = TypeVar("M", bound=Message)
Maker = Callable[[World, random.Random], Expected]


def one_round(world: World) -> Iterator[Expected]:
    """Every message type once, and every way a message can end.

    Args:
        world: The rows of the run.
    """
    chance = random.Random(world.run)  # noqa: S311 - variety, not secrecy
    for maker in (test, workout_update, user_action, notification, email, greylisted_email):
        yield maker(world, chance)
    yield long_note(world, chance)
    yield missing_note(world, chance)
    yield long_activity(world, chance)
    yield backup(world, chance)
    for guild in GUILDS:
        yield _scan(world, guild)
    yield thumbnails(world, chance)
    yield build(world, chance)
    yield refused_build(world, chance)


def stream(world: World) -> Iterator[Expected]:
    """Messages of all types for ever, first one round so that each is seen soon.

    Args:
        world: The rows of the run.
    """
    yield from one_round(world)
    chance = random.Random()  # noqa: S311 - variety, not secrecy
    makers, weights = zip(*SHARES.items(), strict=True)
    while True:
        yield chance.choices(makers, weights)[0](world, chance)


def test(world: World, chance: random.Random) -> Expected:
    """Echo something."""
    return Expected(_one_of(TestMessage, world, chance), "echo")


def workout_update(world: World, chance: random.Random) -> Expected:
    """Change an exercise of the run's plan."""
    changes = WorkoutChanges(
        sets=chance.randint(2, 6), reps=chance.randint(3, 15), weight=chance.choice(WEIGHTS)
    )
    message = WorkoutUpdateMessage.of(
        world.own_id("plan"),
        world.own_id("phase"),
        world.own_id("session"),
        world.exercise_id(world.next_number()),
        changes,
        user_id="user-123",
    )
    return Expected(_of_run(message, world), "change an exercise of the plan")


def user_action(world: World, chance: random.Random) -> Expected:
    """Log that somebody did something."""
    return Expected(_one_of(UserActionMessage, world, chance), "log what somebody did")


def notification(world: World, chance: random.Random) -> Expected:
    """Tell somebody something."""
    return Expected(_one_of(NotificationMessage, world, chance), "notify somebody")


def email(world: World, chance: random.Random) -> Expected:
    """Send a mail to a server that takes it."""
    return Expected(_one_of(EmailMessage, world, chance), "send a mail")


def greylisted_email(world: World, chance: random.Random) -> Expected:
    """Send a mail to somebody whose server wants to be asked twice."""
    example = _one_of(EmailMessage, world, chance)
    recipient = f"{world.new_id('ada')}@{GREYLISTED}"
    message = example.model_copy(update={"data": example.data.model_copy(update={"to": recipient})})
    return Expected(message, "send a mail; the server first says 451", retried_for="451")


def note(world: World, _: random.Random) -> Expected:
    """Tidy up a note."""
    message = NoteEnrichmentMessage.of(world.add_note(long=False))
    return Expected(_of_run(message, world), "tidy up a note")


def long_note(world: World, _: random.Random) -> Expected:
    """Tidy up a note that the text service takes the second time."""
    message = NoteEnrichmentMessage.of(world.add_note(long=True))
    about = "tidy up a long note; the text service first says 429"
    return Expected(_of_run(message, world), about, retried_for="429")


def missing_note(world: World, _: random.Random) -> Expected:
    """Tidy up a note that nobody wrote."""
    message = NoteEnrichmentMessage.of(world.new_id("no-such-note"))
    about = "tidy up a note that does not exist"
    return Expected(_of_run(message, world), about, ends="dead", reason="permanent")


def activity(world: World, _: random.Random) -> Expected:
    """Make templates for an activity."""
    message = ActivitySchemaMessage.of(world.add_activity(long=False))
    return Expected(_of_run(message, world), "make templates")


def long_activity(world: World, _: random.Random) -> Expected:
    """Make templates from a schema that the text service takes the second time."""
    message = ActivitySchemaMessage.of(world.add_activity(long=True))
    about = "make templates from a long schema; the text service first says 429"
    return Expected(_of_run(message, world), about, retried_for="429")


def backup(world: World, _: random.Random) -> Expected:
    """Back up a user, lose the row, and import it again."""
    user_id = world.add_user()
    folder = str(world.backups / world.new_id("run"))

    def restore() -> Expected:
        world.remove_user(user_id)
        message = DataSyncMessage.of("import", "user", [user_id], folder)
        return Expected(_of_run(message, world), "bring a lost user back from the backup")

    message = DataSyncMessage.of("backup", "user", [], folder)
    return Expected(_of_run(message, world), "back up all users", then=restore)


def scan(world: World, chance: random.Random) -> Expected:
    """Index a channel of one of three guilds."""
    return _scan(world, chance.choice(GUILDS))


def thumbnails(world: World, chance: random.Random) -> Expected:
    """Render a thumbnail that failed before."""
    guild = chance.choice(GUILDS)
    channel, image = world.add_image(guild)
    message = ThumbnailRetryMessage.of(guild, channel, [image])
    about = f"render a thumbnail of guild {guild} that failed before"
    return Expected(_of_run(message, world), about, lane="stream")


def build(world: World, chance: random.Random) -> Expected:
    """Build something; it takes a moment."""
    seconds = chance.choice((1, 2, 3))
    message = BuildMessage.of(
        "acme/shop", [f"sleep {seconds}", f"echo built {world.new_id('shop')}"]
    )
    return Expected(_of_run(message, world), f"build for {seconds} s", lane="stream")


def refused_build(world: World, _: random.Random) -> Expected:
    """Build with a command that BUILD_ALLOWED_COMMANDS does not admit."""
    message = BuildMessage.of("acme/shop", ["rm -rf /"])
    about = "build with a command that is not allowed"
    return Expected(_of_run(message, world), about, ends="dead", reason="permanent", lane="stream")


def _scan(world: World, guild: str) -> Expected:
    channel, ids = world.add_channel(guild)
    message = MessageScanMessage.of(guild, channel, ids)
    return Expected(_of_run(message, world), f"index a channel of guild {guild}", lane="stream")


SHARES: dict[Maker, int] = {
    test: 4,
    workout_update: 6,
    user_action: 6,
    notification: 6,
    email: 5,
    greylisted_email: 2,
    note: 2,
    long_note: 1,
    missing_note: 1,
    activity: 1,
    long_activity: 1,
    backup: 1,
    scan: 4,
    thumbnails: 2,
    build: 3,
    refused_build: 1,
}
"""How often each is sent, compared with the others."""


def _one_of(kind: type[M], world: World, chance: random.Random) -> M:
    name = kind.model_fields["message_type"].default
    fitting = [each for each in examples_of(name) if isinstance(each, kind)]
    return _of_run(chance.choice(fitting), world)


def _of_run(message: M, world: World) -> M:
    return message.model_copy(update={"metadata": {RUN: world.run}})
