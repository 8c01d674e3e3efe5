"""What this user may not do, tried without doing it.

In a transaction the server checks the user's rights when a command is queued, and forgets the
queue with the connection: so each command that producers and workers send is tried, none is run.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import redis
from redis.exceptions import NoPermissionError, ResponseError
from rq.command import PUBSUB_CHANNEL_TEMPLATE
from rq.defaults import RQ_KEY_PREFIX

from monitoring.answers import as_text
from monitoring.doctor.finding import Finding
from monitoring.queues.snapshot import started
from monitoring.words import listed
from workers import keys, stream_keys

Command = tuple[str, ...]

_QUEUE = "default"
_CHANNEL = PUBSUB_CHANNEL_TEMPLATE % "doctor"


def permission_findings(connection: redis.Redis) -> Iterator[Finding]:
    """Name the commands and keys that this user may not use.

    Args:
        connection: Logged in as the user.
    """
    refused = refused_commands(connection)
    if not refused:
        return
    user = _who(connection)
    yield Finding(
        "not_permitted",
        "critical",
        f"The user {user} may not run {listed(list(refused))}: producers and workers that log in "
        "as this user do not work.",
        f"`redis-cli ACL SETUSER {user} {' '.join(dict.fromkeys(refused.values()))}`",
    )


def refused_commands(connection: redis.Redis) -> dict[str, str]:
    """Try every command that producers and workers send.

    Args:
        connection: Logged in as the user.

    Returns:
        What was refused, and the right that is missing, as ACL SETUSER writes it; empty too if
        the server has no transactions.
    """
    pool = connection.connection_pool
    link = pool.get_connection()
    try:
        return _tried(link)
    finally:
        link.disconnect()
        pool.release(link)


def needed_commands() -> Sequence[Command]:
    """What producers, our workers and stock ones send, with keys that they use."""
    job, ours = keys.job("doctor"), keys.attempts("doctor")
    queue, workers = keys.queue(_QUEUE), keys.queues()
    done, wip, dead = keys.done(), started(_QUEUE), keys.dead_letters()
    return (  # in groups, or each would take a line of its own
        *(("PING",), ("TIME",), ("INFO", "server"), ("CLIENT", "SETNAME", "doctor")),
        *(("CLIENT", "INFO"), ("SCRIPT", "LOAD", "return 1"), ("EVALSHA", "0" * 40, "1", queue)),
        ("EVAL", "return 1", "1", queue),
        *(("GET", ours), ("SET", ours, "1"), ("DEL", ours), ("UNLINK", job), ("EXISTS", job)),
        *(("EXPIRE", ours, "1"), ("PERSIST", job), ("PTTL", job), ("WATCH", job)),
        *(("HSET", job, "status", "queued"), ("HGET", job, "status"), ("HGETALL", job)),
        *(("HEXISTS", job, "status"), ("HKEYS", job), ("HSETNX", job, "n", "1")),
        *(("HMGET", job, "status"), ("HDEL", job, "status"), ("HINCRBY", job, "n", "1")),
        *(("HINCRBYFLOAT", job, "n", "1"), ("LPUSH", queue, "x"), ("RPUSH", ours, "x")),
        *(("LLEN", queue), ("LRANGE", ours, "0", "0"), ("LREM", queue, "1", "x")),
        *(("LPOP", queue), ("TYPE", job), ("HELLO", "3"), ("CLIENT", "TRACKING", "ON")),
        *(("COPY", job, job), ("INCR", ours), ("LINDEX", ours, "0"), ("RENAME", ours, ours)),
        *(("HLEN", ours), ("SISMEMBER", workers, "x"), ("ZMSCORE", dead, "x")),
        *(("ZPOPMIN", dead), ("ZPOPMAX", dead), ("ZREVRANK", dead, "x")),
        *(("LTRIM", ours, "0", "0"), ("LMOVE", queue, keys.intermediate(_QUEUE), "LEFT", "LEFT")),
        *(("BLMOVE", queue, keys.intermediate(_QUEUE), "LEFT", "LEFT", "1"),),
        *(("SADD", workers, "x"), ("SREM", workers, "x"), ("SMEMBERS", workers)),
        *(("SCARD", workers), ("ZADD", dead, "1", "x"), ("ZREM", wip, "x"), ("ZSCORE", wip, "x")),
        *(("ZCARD", dead), ("ZCOUNT", wip, "0", "1"), ("ZRANGE", wip, "0", "0")),
        *(("ZREVRANGE", dead, "0", "0"), ("ZRANGEBYSCORE", wip, "0", "1")),
        *(("ZREMRANGEBYSCORE", wip, "0", "1"), ("ZREMRANGEBYRANK", ours, "0", "1")),
        ("XADD", done, "*", "f", "v"),
        *(("XREAD", "STREAMS", done, "0"), ("XREVRANGE", keys.result("doctor"), "+", "-")),
        *(("PUBLISH", _CHANNEL, "x"), ("SUBSCRIBE", _CHANNEL)),
        *_of_streams(),
    )


def _of_streams() -> Sequence[Command]:
    # On a stream of ours: those of the application may have any name, or not be there at all.
    stream, group = keys.done(), "workers"
    return (
        *(("SCAN", "0"), ("ZRANDMEMBER", stream_keys.orphaned(group)), ("XLEN", stream)),
        *(("XRANGE", stream, "-", "+"), ("XINFO", "STREAM", stream), ("XACK", stream, group, "0")),
        *(("XINFO", "GROUPS", stream), ("XINFO", "CONSUMERS", stream, group)),
        *(("XGROUP", "CREATE", stream, group, "0"), ("XGROUP", "DELCONSUMER", stream, group, "x")),
        *(("XREADGROUP", "GROUP", group, "x", "STREAMS", stream, ">"), ("XDEL", stream, "0")),
        *(("XCLAIM", stream, group, "x", "0", "0"), ("XPENDING", stream, group)),
        *(("XTRIM", stream, "MINID", "0"), ("XGROUP", "CREATECONSUMER", stream, group, "x")),
        ("PEXPIRE", stream_keys.consumer(group, "doctor"), "1"),
    )


def _tried(link: Any) -> dict[str, str]:
    opened = _ask(link, [("MULTI",)])[0]  # outside of it the commands would really be run
    if isinstance(opened, NoPermissionError):
        return {"MULTI": "+multi"}
    if isinstance(opened, ResponseError):
        return {}
    commands = needed_commands()
    answers = _ask(link, commands)
    return dict(
        _refusal(command, str(answer))
        for command, answer in zip(commands, answers, strict=True)
        if isinstance(answer, NoPermissionError)
    )


def _ask(link: Any, commands: Sequence[Command]) -> Sequence[Any]:
    # Below the client, whose answers would be parsed as those of commands that were run.
    link.send_packed_command(link.pack_commands(commands))
    return [_answer(link) for _ in commands]


def _answer(link: Any) -> Any:
    try:
        return link.read_response(disable_decoding=True)
    except ResponseError as error:
        return error


def _refusal(command: Command, words: str) -> tuple[str, str]:
    name = " ".join(command[:2]) if command[0] in {"CLIENT", "SCRIPT"} else command[0]
    if " channel" in words:
        pattern = PUBSUB_CHANNEL_TEMPLATE % "*"
        return f"{name} on {pattern}", f"&{pattern}"
    if " key" in words:
        pattern = _pattern(command[{"XREAD": 2, "EVALSHA": 3}.get(command[0], 1)])
        return f"{name} on {pattern}", f"~{pattern}"
    return name, f"+{name.lower().replace(' ', '|')}"


def _pattern(key: str) -> str:
    ours = keys.done().removesuffix("done")
    return f"{ours}*" if key.startswith(ours) else f"{RQ_KEY_PREFIX}:*"


def _who(connection: redis.Redis) -> str:
    try:
        return as_text(connection.acl_whoami())
    except ResponseError:
        return "USER"
