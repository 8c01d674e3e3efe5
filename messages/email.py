"""EMAIL: one mail, rendered from a template."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from messages.base import Message, Payload
from messages.fields import Indexed, JsonObject

EMAIL_PATTERN = r"^[^\s@<>,;:\"\\]+@[^\s@<>,;:\"\\]+\.?[^\s@<>,;:\"\\]*$"
"""One address: no white space, so that no header can be smuggled in, and exactly one @."""


class EmailData(Payload):
    """To whom, about what, and which template with which values."""

    to: Annotated[str, Field(min_length=3, max_length=254, pattern=EMAIL_PATTERN), Indexed]
    subject: str = Field(min_length=1, max_length=300, pattern=r"^[^\r\n]*$")
    template: str = Field(min_length=1, max_length=100, pattern=r"^[a-z0-9_]+$")
    template_data: JsonObject = Field(default_factory=dict)


class EmailMessage(Message):
    """Renders a Jinja template and sends it by SMTP, or stores it in a Maildir."""

    queue: ClassVar[str] = "email"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "to": "ada@example.com",
            "subject": "Your week in training",
            "template": "weekly_summary",
            "templateData": {"name": "Ada", "sessions": 4, "minutes": 190},
        },
        {
            "to": "grace@example.com",
            "subject": "Welcome",
            "template": "welcome",
            "templateData": {"name": "Grace"},
        },
    )

    message_type: Literal["EMAIL"] = "EMAIL"
    data: EmailData

    @classmethod
    def of(
        cls, to: str, subject: str, template: str, template_data: JsonObject | None = None
    ) -> Self:
        """Build the message from its parts.

        Args:
            to: One mail address.
            subject: One line, at most 300 characters.
            template: Name of a template, without its ending.
            template_data: The values the template uses.
        """
        data = EmailData(
            to=to, subject=subject, template=template, template_data=template_data or {}
        )
        return cls(data=data)
