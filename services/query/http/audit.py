"""The audit trail over HTTP: which key read or changed what, and when. Reading it is recorded, too."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from starlette.responses import Response

from projections.engine.times import read_datetime
from services.control.audit import AuditQuery
from services.query.core import cursors
from services.query.core.audit_models import AuditPage
from services.query.handlers.audit import MOST, AuditReader
from services.query.http.parameters import MOST_OF_A_TIME, Auditing
from services.query.http.responses import PAGED_TIMES, answer
from services.runtime.api import keyed_router

router = keyed_router("/v1/audit", "operations")


async def _audit(request: Request) -> AuditReader:
    audit: AuditReader = request.app.state.audit
    return audit


def _time(text: str | None) -> datetime | None:
    return None if text is None else read_datetime(text)


_OneTime = Annotated[str | None, Query(max_length=MOST_OF_A_TIME, examples=["2026-03-01T00:00+08:00"])]


async def _wanted(
    first: Annotated[_OneTime, Query(alias="from", description="only requests from this time on")] = None,
    end: Annotated[_OneTime, Query(alias="to", description="only requests before this time")] = None,
    key: Annotated[
        str | None, Query(max_length=64, pattern=r"^[^\x00]*$", description="only of the key that begins so, as shown")
    ] = None,
    action: Annotated[
        str | None, Query(max_length=255, pattern=r"^[^\x00]*$", description="only this operation, by its id")
    ] = None,
    about: Annotated[
        UUID | None, Query(alias="object", description="only about this contact or customer, by the id it had then")
    ] = None,
) -> AuditQuery:
    return AuditQuery(_time(first), _time(end), key, action, about)


@router.get("", summary="Which key read or changed what", response_model=AuditPage, responses=PAGED_TIMES)
async def read_audit(
    asking: Auditing,
    audit: Annotated[AuditReader, Depends(_audit)],
    wanted: Annotated[AuditQuery, Depends(_wanted)],
    limit: Annotated[int, Query(ge=1, le=MOST, description="most entries on the page")] = 100,
    cursor: Annotated[
        str | None, Query(max_length=cursors.MOST_OF_AN_ENTRY, description="`next` of the page before")
    ] = None,
) -> Response:
    """Every command, and every read of what is known about people, newest first. Needs the scope `audit`.

    An entry is there within some seconds after its request. It holds no phone, e-mail or other identifier.
    """
    return answer(await audit.page(asking.tenant, wanted, limit, cursor))
