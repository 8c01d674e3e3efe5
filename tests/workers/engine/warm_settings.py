"""For `rq worker -c`: loads the application once, so that a forked child finds it there."""

from workers.jobs import load_application

load_application()
