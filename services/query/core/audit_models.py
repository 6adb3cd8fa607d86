"""The shapes of the audit trail."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.query.core.models import Shape, Timestamp


class AuditedKey(Shape):
    """The API key that a request was sent with; of a command of the command line, the user of the operating system."""

    prefix: Annotated[str, Field(description="the key's beginning, or `cli`", examples=["of_3fXkQz"])]
    name: Annotated[str, Field(examples=["crm export"])]


class AuditedObject(Shape):
    """The contacts or customers that a request was about, by ids that Onefold made."""

    named_by: Annotated[
        str | None,
        Field(
            description="what the request named it by; never the value",
            examples=["phone"],
        ),
    ]
    ids: Annotated[
        list[UUID], Field(description="what the request found, ten at most; none where it is a list or found nothing")
    ]


class AuditRecord(Shape):
    """A request: when, by which key, what it asked for, about whom, and the status of its answer."""

    request_id: Annotated[UUID, Field(description="the answer's `X-Request-Id`")]
    at: Timestamp
    key: AuditedKey
    action: Annotated[str, Field(description="the operation's id in this document", examples=["read_customer"])]
    route: Annotated[str, Field(examples=["GET /v1/customers/{customer}"])]
    object: AuditedObject
    status: Annotated[int, Field(examples=[200])]


class AuditPage(Shape):
    """Requests, newest first. Only ``next`` tells whether there are more."""

    entries: list[AuditRecord]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]
