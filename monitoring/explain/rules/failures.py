"""What fails in a queue: services that ask to wait, retries, unknown types, dead letters."""

import re
from collections.abc import Iterator

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import Letters, QueueFacts, Retries
from monitoring.explain.rules import commands
from monitoring.words import are, number

_ASKS_TO_WAIT = re.compile(r"\b429\b|too many requests|rate.?limit|retry.?after", re.IGNORECASE)
_FEW = 10  # outcomes of which a share says nothing
_MANY, _MOST = 0.10, 0.50  # of all outcomes failed; requirement 003


def asks_to_wait(text: str) -> bool:
    """Whether an error says that a service wants fewer requests."""
    return bool(_ASKS_TO_WAIT.search(text))


def service_asks_to_wait(facts: QueueFacts) -> Iterator[Finding]:
    """A service that handlers call wants fewer requests."""
    found = [each for each in facts.retries if asks_to_wait(each.error)]
    if not found:
        return
    count = sum(each.count for each in found)
    yield Finding(
        "service_asks_to_wait",
        "warning",
        f"A service asks to wait: {number(count, 'job')} of {facts.name} {are(count)} to be tried "
        f"again after such an answer, the last, of type {found[0].kind}: {found[0].error}",
        f"Nothing is lost. To send it less meanwhile: `postroom queues pause --type "
        f'{found[0].kind} --reason "..."`',
    )


def unknown_types(facts: QueueFacts) -> Iterator[Finding]:
    """Workers hand back messages whose type they do not know."""
    for each in facts.retries:
        if each.outcome != "handed_back":
            continue
        release = f" of release {each.code_version}" if each.code_version else ""
        yield Finding(
            "unknown_type",
            "warning",
            f"{number(each.count, 'job')} of {facts.name} {are(each.count)} handed back by workers"
            f"{release}, which do not know the type: {each.error}",
            "Finish the deployment: restart the workers that run the older release, "
            f"{commands.worker(facts.name)}",
        )


def retries(facts: QueueFacts) -> Iterator[Finding]:
    """Jobs wait for another attempt after the same error."""
    for each in facts.retries:
        if asks_to_wait(each.error) or each.outcome == "handed_back" or each.count < _FEW:
            continue
        yield Finding(
            "many_retries",
            "warning",
            f"{number(each.count, 'job')} of {facts.name} {are(each.count)} to be tried again "
            f"after the same error of {each.kind}: {each.error}",
            f'`postroom queues pause --type {each.kind} --reason "..."` until it is mended.',
        )


def dead_letters(facts: QueueFacts) -> Iterator[Finding]:
    """Messages died in the last hour."""
    for each in facts.letters:
        yield letters_finding(facts.name, each)


def letters_finding(queue: str, letters: Letters) -> Finding:
    """What to say of messages that died for the same reason.

    Args:
        queue: The queue or the stream.
        letters: They.
    """
    last = f"the last is {letters.kind} {letters.job_id}" if letters.count > 1 else letters.kind
    return Finding(
        "dead_letters",
        "warning",
        f"{number(letters.count, 'message')} of {queue} died in the last hour ({letters.reason}; "
        f"{last}): {letters.error}",
        f"`postroom dead-letters show {letters.job_id}`; when it is mended, "
        f"`{replay_command(queue, letters.reason, letters.fingerprint)}`",
    )


def replay_command(queue: str, reason: str, fingerprint: str) -> str:
    """The command that shows what a replay of all that died alike would send.

    Args:
        queue: Where they died.
        reason: Why.
        fingerprint: Of their failure; empty if it has none.
    """
    if fingerprint:
        return f'postroom failures replay {fingerprint} --reason "..." --dry-run'
    return f"postroom dead-letters replay --all --queue {queue} --why {reason} --dry-run"


def error_rate(facts: QueueFacts) -> Iterator[Finding]:
    """A tenth or more of what ended lately failed for good."""
    failed, done = facts.ended.get("failed", 0), facts.ended.get("finished", 0)
    if failed + done < _FEW or failed <= _MANY * (failed + done):
        return
    share = failed / (failed + done)
    yield Finding(
        "error_rate",
        "critical" if share > _MOST else "warning",
        f"{100 * share:.0f} % of the last {number(failed + done, 'outcome')} of {facts.name} were "
        "failures.",
        f"`postroom dead-letters list --queue {facts.name}`",
    )


def described(each: Retries) -> str:
    """A kind of retries in some words."""
    return f"{number(each.count, 'job')} ({each.kind}: {each.error})"
