"""The reference for webhooks: the smallest ASGI route that reads a body and awaits its record's acknowledgement.

It has the same server and the same settings of the producer as ingress, and checks, translates and counts nothing.
"""

import re
from contextlib import closing
from typing import Final

import uvloop
from aiokafka import AIOKafkaProducer
from starlette.types import ASGIApp, Receive, Scope, Send

from schemas.topics import CHANNEL_EVENTS
from services.ingress.adapters.log import new_producer
from services.runtime.gc_tuning import tune_gc
from services.runtime.http import bounds_of, listen, serve
from services.runtime.settings import Settings

BARE: Final = ("-m", "benchmarks.ingest.bare")
_USER_ID: Final = re.compile(rb'"userId":"([^"]+)"')
_HEADERS: Final = [(b"content-length", b"2"), (b"content-type", b"application/json")]


def bare_app(producer: AIOKafkaProducer, topic: str) -> ASGIApp:
    """Return the application. It answers 200 to everything."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            message = await receive()
            body: bytes = message["body"]
            while message.get("more_body"):
                message = await receive()
                body += message["body"]
            user = _USER_ID.search(body)  # the key, so that records go to every partition, as those of ingress do
            await producer.send_and_wait(topic, body, user[1] if user else b"")
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


async def _run(settings: Settings) -> None:
    producer = new_producer(settings)
    with closing(listen(settings.host, settings.port)) as listener:
        async with producer:
            app = bare_app(producer, CHANNEL_EVENTS.full_name(settings.topic_prefix))
            await serve(app, listener, bounds_of(settings), lifespan="off")


if __name__ == "__main__":
    tune_gc()
    uvloop.run(_run(Settings()))
