"""The shapes of erasures: what one would erase, how far it is, and its receipt."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.query.core.models import Shape, Timestamp


class ErasurePreview(Shape):
    """Whom an erasure would erase now."""

    contacts: Annotated[list[str], Field(description="the keys of the contacts", examples=[["line:oa-taipei:Uc0ffee"]])]
    events: Annotated[int, Field(description="in their timelines")]
    token: Annotated[str, Field(description="starts what was shown, as long as these are the contacts")]


class ErasureStart(Shape):
    """An erasure, with the ``token`` of its preview: it can't be undone."""

    token: Annotated[str, Field(max_length=128)]
    deletion: Annotated[
        str | None,
        Field(max_length=64, description="the code of the request for deletion that it answers, which it closes"),
    ] = None


class ErasureReceipt(Shape):
    """What was erased, in numbers, without personal data. Its places are described on the page about erasure."""

    id: UUID
    tenant: str
    requested_at: Timestamp
    finished_at: Timestamp
    contacts: int
    removed: Annotated[dict[str, int], Field(description="how much was removed, by place")]
    generations_behind: Annotated[
        list[str], Field(description="those that did not fold the erasure within a minute; they do once they run")
    ]
    remains: Annotated[list[str], Field(description="places that Onefold can't erase")]


class ErasureView(Shape):
    """An erasure, and the job that does it. ``state`` is `open` until there is a receipt."""

    id: UUID
    state: Annotated[str, Field(examples=["open", "done"])]
    job: UUID
    contacts: int
    deletion: Annotated[str | None, Field(description="the code of the request for deletion that it answers")]
    requested_by: str
    requested_at: Timestamp
    finished_at: Timestamp | None
    receipt: ErasureReceipt | None
    signature: Annotated[
        str | None, Field(description="Ed25519, base64, of the receipt as JSON with sorted keys and no white space")
    ]
    public_key: Annotated[str, Field(description="of the tenant, for its receipts: 32 bytes in base64")]


class ErasurePage(Shape):
    """Erasures, the newest first, and the cursor of the next page."""

    erasures: list[ErasureView]
    next: str | None
