"""A tenant's custom attributes over HTTP. Ingress takes the events that define them."""

from typing import Annotated, Final

from fastapi import Depends, Query, Request
from starlette.responses import Response

from services.query.core.attribute_models import AttributePage
from services.query.handlers.attributes import AttributeReader
from services.query.http.parameters import ABOUT_NOW, AskingSettings
from services.query.http.responses import SPANNED, answer
from services.runtime.api import keyed_router

router = keyed_router("/v1/attributes", "read")

_MOST: Final = 1000


async def _attributes(request: Request) -> AttributeReader:
    attributes: AttributeReader = request.app.state.attributes
    return attributes


@router.get("", summary="Custom attributes", response_model=AttributePage, responses=SPANNED, dependencies=ABOUT_NOW)
async def read_attributes(
    asking: AskingSettings,
    attributes: Annotated[AttributeReader, Depends(_attributes)],
    limit: Annotated[int, Query(ge=1, le=_MOST, description="most attributes on the page")] = 200,
    cursor: Annotated[
        str, Query(max_length=100, pattern="^[A-Za-z0-9_]*$", description="`next` of the page before")
    ] = "",
) -> Response:
    """The definitions, and the keys that customers have without one: nothing that was sent is left out."""
    return answer(await attributes.page(asking.tenant, cursor, limit))
