"""The command line of `run demo` and `run dev`. Says its first line before it loads the rest."""

import argparse
import sys
import time


def main(arguments: list[str]) -> int:
    """Run the demo.

    Args:
        arguments: `demo` or `dev`, and their options.

    Returns:
        0 if all is well; 1 if a message of `--once` did not end as it should, or everything that
        ran has died; 2 if it cannot be started.
    """
    options = _options(arguments)
    _say("Postroom: starting Redis and what the Procfile names ...")
    if options.timing:
        _say(f"The first line came {_age():.2f} s after the command.")
    from postroom.demo.start import start  # noqa: PLC0415 - takes most of a second to load

    return start(dev=options.what == "dev", once=options.once)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 run")
    parser.add_argument("--timing", action="store_true", help="print when the first line came")
    modes = parser.add_subparsers(dest="what", required=True)
    demo = modes.add_parser("demo", help="everything, with sample data and a stream of messages")
    demo.add_argument("--once", action="store_true", help="one round, checked; exit code 0 or 1")
    dev = modes.add_parser("dev", help="everything in the Procfile, without data or traffic")
    dev.set_defaults(once=False)
    for mode in (demo, dev):
        mode.add_argument("--timing", action="store_true", help="print when the first line came")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _age() -> float:
    import psutil  # noqa: PLC0415 - only needed here

    return time.time() - psutil.Process().create_time()  # `run` became this process


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except KeyboardInterrupt:  # before anything runs that has to be ended
        code = 130
    raise SystemExit(code)
