"""The states of a job and every step between them: what the tests expect and docs/lifecycle shows.

`python -m tests.workers.engine.transitions` writes both into the document.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / "docs" / "lifecycle.md"


class State(Enum):
    """Where a job is. The value is what RQ's readers see as its status."""

    gone = ""
    waiting = "queued: in its list"
    leased = "queued: a worker has it"
    running = "started"
    scheduled = "scheduled"
    deferred = "deferred"
    held = "queued: set aside"
    finished = "finished"
    failed = "failed: a dead letter"
    replayed = "failed: its message was sent again"
    stopped = "stopped"
    canceled = "canceled"

    @property
    def status(self) -> str:
        """RQ's word for it; several states have the same."""
        return self.value.partition(":")[0]


GONE, WAITING, LEASED, RUNNING = State.gone, State.waiting, State.leased, State.running
SCHEDULED, DEFERRED, HELD, FINISHED = State.scheduled, State.deferred, State.held, State.finished
FAILED, REPLAYED, STOPPED, CANCELED = State.failed, State.replayed, State.stopped, State.canceled


@dataclass(frozen=True)
class Step:
    """One thing that can happen to a job.

    Args:
        words: What happens, as the diagram says it.
        script: What does it: a script, or RQ's own code.
        moves: From which state to which. A state that is missing stays, and so does every key.
        is_fenced: Whether it ends a run, so that a token is asked for, and a refusal is counted.
        never: States in which nobody tries it.
    """

    words: str
    script: str
    moves: Mapping[State, State]
    is_fenced: bool = False
    never: frozenset[State] = frozenset()


def _run(target: State) -> Mapping[State, State]:
    return {LEASED: target, RUNNING: target}


def _every(target: State, *sources: State) -> Mapping[State, State]:
    return dict.fromkeys(sources, target)


_AT_REST = tuple(state for state in State if state not in {GONE, LEASED, RUNNING})

STEPS: Mapping[str, Step] = {
    "enqueue": Step("enqueue", "enqueue.lua", {GONE: WAITING}),
    "enqueue_in": Step("enqueue_in", "enqueue.lua", {GONE: SCHEDULED}),
    "enqueue_after": Step("depends_on", "enqueue.lua", {GONE: DEFERRED}),
    "enqueue_in_vain": Step("its parent failed before", "enqueue.lua", {GONE: CANCELED}),
    "lease": Step("lease", "step.lua", {WAITING: LEASED}),
    "show": Step("it takes long", "show.lua", _run(RUNNING)),
    "take_over": Step("take over", "take_over.lua", {LEASED: LEASED, RUNNING: RUNNING}),
    "commit": Step("commit", "step.lua", _run(FINISHED), is_fenced=True),
    "commit_and_forget": Step("commit, to be kept for 0 s", "step.lua", _run(GONE), is_fenced=True),
    "retry_now": Step("retry now", "again.lua", _run(WAITING), is_fenced=True),
    "retry_later": Step("retry later", "again.lua", _run(SCHEDULED), is_fenced=True),
    "crash": Step("crash", "again.lua", _run(SCHEDULED), is_fenced=True),
    "last_crash": Step("third crash", "bury.lua", _run(FAILED)),
    "bury": Step("bury", "bury.lua", _run(FAILED), is_fenced=True),
    "expire": Step("it waited too long", "bury.lua", _run(FAILED), is_fenced=True),
    "hand_back": Step("hand back", "hand_back.lua", _run(WAITING)),
    "hold": Step(
        "its type or tenant is paused",
        "hold.lua",
        {LEASED: HELD},
        never=frozenset({RUNNING}),  # a worker looks for pauses before it starts a job
    ),
    "stop": Step("stop", "stop.lua", _run(STOPPED), is_fenced=True),
    "stop_by_force": Step("stop by force", "take_over.lua and RQ", _run(STOPPED)),
    "resume": Step("resume", "resume.lua", {HELD: WAITING}),
    "due": Step("it is due", "promote.lua of the engine", {SCHEDULED: WAITING}),
    "promote": Step("promote", "promote.lua", {SCHEDULED: WAITING}),
    "released": Step("all parents succeeded", "RQ", {DEFERRED: WAITING}),
    "settle": Step("a parent did not succeed", "settle.lua", {DEFERRED: WAITING}),
    "settle_cancel": Step("on_parent_failure is cancel", "settle.lua", {DEFERRED: CANCELED}),
    "cancel": Step("cancel", "cancel.lua", _every(CANCELED, WAITING, SCHEDULED, DEFERRED, HELD)),
    "cancel_leased": Step("cancel, not begun", "cancel_leased.lua", {LEASED: CANCELED}),
    "requeue": Step("requeue", "RQ", _every(WAITING, FAILED, STOPPED)),
    "replay": Step("replay", "replay_letter.lua", {FAILED: REPLAYED}),
    "retry_job": Step("retry by a person", "retry_job.lua", {STOPPED: REPLAYED, FAILED: REPLAYED}),
    "delete": Step("delete", "delete.lua", _every(GONE, *_AT_REST)),
}
"""Every step, by the name of what does it in the tests."""


def expected(name: str, state: State) -> State:
    """The state in which a step leaves a job.

    Args:
        name: The step.
        state: The state before.
    """
    return STEPS[name].moves.get(state, state)


# --- the document -------------------------------------------------------------------------------


def diagram() -> str:
    """The states and the steps between them, as Mermaid draws them."""
    return "\n".join(["stateDiagram-v2", *_arrows()]) + "\n"


def steps_table() -> str:
    """One row a step, for Markdown."""
    rows = (
        f"| {step.words} | {_froms(step)} | {_tos(step)} | {_by(step)} |" for step in STEPS.values()
    )
    return "\n".join(["| Step | From | To | By |", "|---|---|---|---|", *rows]) + "\n"


def written_into(text: str) -> str:
    """A document with the diagram and the table as they are now.

    Args:
        text: The document.
    """
    text = re.sub(r"stateDiagram-v2\n.*?(?=```)", lambda _: diagram(), text, flags=re.DOTALL)
    return re.sub(r"\| Step \| From .*?\n(?!\|)", lambda _: steps_table(), text, flags=re.DOTALL)


def _arrows() -> Iterator[str]:
    labels: dict[tuple[State, State], list[str]] = {}
    for name, step in STEPS.items():
        for source, target in step.moves.items():
            # A running job goes where a leased one does, and a deletion would cross all others.
            is_drawn = name != "delete" and source is not RUNNING
            if source is not target and is_drawn:
                labels.setdefault((source, target), []).append(step.words)
    for (source, target), words in labels.items():
        yield f"  {_node(source)} --> {_node(target)} : {', '.join(words)}"


def _node(state: State) -> str:
    return "[*]" if state is GONE else state.name


def _froms(step: Step) -> str:
    return ", ".join(_word(source) for source in step.moves)


def _tos(step: Step) -> str:
    targets = list(dict.fromkeys(step.moves.values()))
    stays = all(source is target for source, target in step.moves.items())
    return "the same, with another holder" if stays else ", ".join(map(_word, targets))


def _word(state: State) -> str:
    return "no job" if state is GONE else state.name


def _by(step: Step) -> str:
    return re.sub(r"\w+\.lua", lambda found: f"`{found[0]}`", step.script)


if __name__ == "__main__":
    DOCUMENT.write_text(written_into(DOCUMENT.read_text()))
