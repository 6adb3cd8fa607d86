"""An ASGI app on a real port of 127.0.0.1, for clients that speak nothing but HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from starlette.types import ASGIApp

from services.runtime.connections import Connections
from services.runtime.http import _server, listen
from services.runtime.peers import Peers


@asynccontextmanager
async def served(app: ASGIApp, connections: Connections | None = None) -> AsyncIterator[str]:
    """The app's address while it is served; its life is the caller's business."""
    with closing(listen("127.0.0.1", 0)) as listener:
        server = _server(app, "off", connections or Connections(1000, 1000, Peers()))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
