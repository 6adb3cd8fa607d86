"""RudderStack's pixels: a page or an event as the URL of an image, for e-mails and for pages without scripts.

The answer is always the image, since whoever shows it can do nothing about a refusal. The metric of websites' requests
counts refusals by their reason.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.ingress.core.pixel import pixel_message
from services.ingress.http.segment import take_message
from services.runtime.api import open_router
from services.runtime.metrics import webhooks_by
from services.runtime.problems import Problem

CALLS: Final = ("page", "track")
# One transparent point.
_IMAGE: Final = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
_GIF: Final = "image/gif"
_PARAMETERS: Final = {
    "parameters": [
        {"name": name, "in": "query", "schema": {"type": "string"}, "description": description}
        for name, description in (
            ("writeKey", "The website's public write key."),
            ("anonymousId", "The browser, or whoever else is meant."),
            ("userId", "The member."),
            ("event", "What was done, for `track`. Other fields likewise: `properties.price=5`."),
        )
    ]
}

router: Final[APIRouter] = open_router("rudderstack")


def _showing(call: str) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        message = {"messageId": str(uuid4())} | pixel_message(request.query_params.multi_items())
        try:
            await take_message(request, call, request.query_params.get("writeKey"), message)
        except Problem as problem:
            webhooks_by("web", problem.kind.slug).inc()
        else:
            webhooks_by("web", "ok").inc()
        return Response(_IMAGE, headers={"Cache-Control": "no-store"}, media_type=_GIF)

    return show


for _call in CALLS:
    router.add_api_route(
        f"/pixel/v1/{_call}",
        _showing(_call),
        methods=["GET"],
        name=f"get_pixel_{_call}",
        summary=f"Record what `POST /v1/{_call}` does, from the URL of an image",
        response_class=Response,
        responses={200: {"content": {_GIF: {}}, "description": "An image of one transparent point, always"}},
        openapi_extra=_PARAMETERS,
    )
