"""An application for the tests of the log: its handler logs as the message's testType asks."""

import logging
import os
import signal
import threading
import time

from messages import NoteEnrichmentMessage, TestMessage
from workers import Context, PermanentError, RetryPolicy, handles


@handles(TestMessage, retry=RetryPolicy(max_attempts=2))
def log_as_asked(message: TestMessage, context: Context) -> object:
    seconds = float(str(message.data.payload.new_value or 0))
    number = int(seconds)
    match message.data.test_type:
        case "many":
            for at in range(number):
                context.log.info("line_written", number=at)
                context.progress(at / number, f"{at} of {number}")
        case "one and wait":
            context.log.info("before_the_wait")
            context.progress(0.5, "half of it")
            time.sleep(seconds)
        case "fail":
            context.log.warning("about_to_fail", attempt=context.attempt)
            raise PermanentError("it will never work")
        case "die":
            context.log.info("before_the_death")
            time.sleep(seconds)
            os.kill(os.getpid(), signal.SIGKILL)
        case "levels":
            context.log.debug("too_fine")
            context.log.info("Just right")
        case "libraries":
            logging.getLogger("tests.workers.log_app").info("The application's own %s", "line")
            logging.getLogger("someone.else").warning("A library warns: %d left", 3)
            logging.getLogger("someone.else").info("A library chats")
        case "threads":
            threads = [
                threading.Thread(target=context.log.info, args=("in_a_thread",)) for _ in range(5)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    return None


@handles(NoteEnrichmentMessage)
def log_the_note(message: NoteEnrichmentMessage, context: Context) -> None:
    context.log.info("note_seen")
