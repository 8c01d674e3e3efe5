"""What no span may tell; apart from `tracing_app`, whose import registers handlers."""

SECRET_OF_AN_ERROR = "the note of ada@example.com"
