"""What ends a running job if nobody does anything: its timeout, or STUCK_POLICY, or nothing."""

import re
from collections.abc import Mapping
from datetime import datetime

from monitoring.explain.facts import JobFacts
from monitoring.explain.rules.holdups import clock
from monitoring.jobs.stuck_plans import Plan
from monitoring.words import span

_WILL: Mapping[str, str] = {
    "stop": "It will be stopped by STUCK_POLICY",
    "requeue": "It will be requeued by STUCK_POLICY",
    "escalate": "It goes on, and STUCK_POLICY tells the channels of alerts",
}
_DID: Mapping[str, str] = {
    "stop": "STUCK_POLICY told its worker to stop it",
    "requeue": "STUCK_POLICY told its worker to end this run for another one",
    "escalate": "It goes on, and STUCK_POLICY told the channels of alerts",
}


def fate(facts: JobFacts) -> str:
    """What will be done with it by itself, and when; or that nothing will.

    Args:
        facts: A job that runs.

    Returns:
        A sentence; empty where the policy is not known.
    """
    plan = facts.plan
    if plan is None:
        return ""
    if plan.done is not None:
        return f"{_DID[plan.action]} at {clock(plan.done, facts.now)}."
    if plan.why is not None:
        return (
            f"STUCK_POLICY of {_named(facts)} is {plan.action}, and does nothing here: {plan.why}"
        )
    if plan.at is None:
        return _of_report(facts)
    ends = _timeout_at(facts)
    if ends is not None and facts.now < ends < plan.at:
        return (
            f"Its timeout ends this run {_when(ends, facts.now)}, before STUCK_POLICY would "
            f"({plan.action} at {clock(plan.at, facts.now)})."
        )
    return _planned(plan, plan.at, facts.now)


def will_be_ended(facts: JobFacts) -> bool:
    """Whether a policy does something with it, or did: what people want to know of any job."""
    plan = facts.plan
    return plan is not None and (plan.at is not None or plan.done is not None)


def _planned(plan: Plan, at: datetime, now: datetime) -> str:
    if at > now:
        return f"{_WILL[plan.action]} {_when(at, now)}."
    return (
        f"{_WILL[plan.action]} within seconds, as is due since {clock(at, now)}, where `postroom "
        "web` or `postroom watch` runs."
    )


def _of_report(facts: JobFacts) -> str:
    policy, ends = f"STUCK_POLICY of {_named(facts)} is report", _timeout_at(facts)
    if ends is None:
        return f"{policy} and it has no timeout, so nothing will be done about it by itself."
    if ends <= facts.now:
        return f"{policy}, so nothing more will be done about it by itself."
    return f"{policy}, so nothing ends it before its timeout {_when(ends, facts.now)}."


def _timeout_at(facts: JobFacts) -> datetime | None:
    return facts.began + facts.timeout if facts.began and facts.timeout else None


def _when(moment: datetime, now: datetime) -> str:
    return f"at {clock(moment, now)}, in {span((moment - now).total_seconds())}"


def _named(facts: JobFacts) -> str:
    # In the place of a type may stand a call with its arguments, which nobody is to be told.
    return facts.kind if re.fullmatch(r"[\w.-]{1,100}", facts.kind) else "this job"
