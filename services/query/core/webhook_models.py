"""The shapes of webhook endpoints: where a tenant's changes are sent."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.changes.signing import WebhookForm
from services.query.core.models import Shape, Timestamp

MOST_OF_A_URL = 2000  # characters
MOST_OF_A_CURSOR = 16_384  # characters
ChangeTypeName = Literal["created", "linked", "unlinked", "merged", "split", "renamed", "erased", "quota_crossed"]
Types = Annotated[list[ChangeTypeName], Field(min_length=1, max_length=20, description="only these changes")]
WebhookUrl = Annotated[
    str, Field(min_length=1, max_length=MOST_OF_A_URL, examples=["https://example.com/hooks/onefold"])
]
_FORM = "the headers: those of Standard Webhooks, or `X-Omnichat-…`"


class Given(BaseModel):
    """What is sent; an unknown field is refused."""

    model_config = ConfigDict(extra="forbid")


class EndpointStart(Given):
    """A new endpoint. ``after`` says from which change on: ``now``, ``beginning``, or a cursor of `GET /v1/changes`."""

    url: WebhookUrl
    form: Annotated[WebhookForm, Field(description=_FORM)] = "standard"
    types: Types | None = None
    after: Annotated[str, Field(min_length=1, max_length=MOST_OF_A_CURSOR)] = "now"


class EndpointChange(Given):
    """What is to be changed of an endpoint; what is left out stays. ``types`` null stands for all changes."""

    url: WebhookUrl | None = None
    form: Annotated[WebhookForm | None, Field(description=_FORM)] = None
    types: Types | None = None

    @property
    def changes(self) -> dict[str, Any]:
        """The columns to be set."""
        given = self.model_dump(exclude_unset=True)
        return {name: value for name, value in given.items() if name == "types" or value is not None}


class ReplayStart(Given):
    """Where to send again from: ``after`` as for a new endpoint, or ``since``, a time in ms."""

    after: Annotated[str | None, Field(min_length=1, max_length=MOST_OF_A_CURSOR)] = None
    since: Annotated[int | None, Field(ge=0, le=253_402_300_799_999)] = None

    @model_validator(mode="after")
    def _one(self) -> "ReplayStart":
        if (self.after is None) == (self.since is None):
            raise ValueError("give `after` or `since`")
        return self

    @property
    def start(self) -> str | int:
        """The one that is given."""
        return self.since if self.since is not None else self.after or ""


class EndpointView(Shape):
    """An endpoint.

    ``failures`` counts the attempts since the latest that was taken, ``waiting`` the changes that were not taken yet
    and those that wait behind them. While ``paused``, so many wait that no further ones are read.
    """

    id: UUID
    url: str
    form: WebhookForm
    types: list[str] | None
    enabled: bool
    disabled_at: Timestamp | None
    disabled_because: str | None
    failures: int
    failing_since: Timestamp | None
    succeeded_at: Timestamp | None
    waiting: int
    paused: bool
    former_secret_until: Timestamp | None
    created_at: Timestamp


class EndpointWithSecret(Shape):
    """An endpoint, and its secret, which is shown this once."""

    endpoint: EndpointView
    secret: Annotated[str, Field(examples=["whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="])]


class EndpointList(Shape):
    """The endpoints, the oldest first."""

    endpoints: list[EndpointView]


class AttemptView(Shape):
    """An attempt to send a message. ``status`` is null where there was no answer; ``problem`` says why."""

    at: Timestamp
    message_id: Annotated[str, Field(description="the header `webhook-id`")]
    type: str
    attempt: int
    status: int | None
    problem: str | None
    duration_ms: int


class AttemptList(Shape):
    """The latest attempts of a week, the newest first."""

    attempts: list[AttemptView]
