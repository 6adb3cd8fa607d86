"""Posts as HTTP requests, each with its sender's credentials, and what is read from the answers. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, replace
from heapq import merge
from itertools import groupby
from typing import Any, Final
from urllib.parse import quote

from services.demo import brand
from services.demo.connections import SIGNED, Credentials, source_of
from services.demo.generate import Deliveries
from services.demo.letters import Way
from services.demo.posts import Post
from services.demo.spoilt import Refused

_JSON: Final = {"Content-Type": "application/json"}
_LINES: Final = {"Content-Type": "application/x-ndjson"}
_TAKEN: Final = frozenset({200})
_JUDGED: Final = frozenset({202, 422})


@dataclass(frozen=True, slots=True)
class Address:
    """Where to send, and with which credentials."""

    url: str
    key: str
    credentials: Credentials
    command: str = "onefold"  # with what it needs to find the same servers


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``events`` is how many it carries; ``status`` what it must be answered, if it is to be refused."""

    way: Way
    to: str
    body: bytes
    headers: dict[str, str]
    events: int
    status: int | None = None

    @property
    def method(self) -> str:
        """Records of members are put; all else is posted."""
        return "PUT" if self.way == "members" else "POST"

    @property
    def answers(self) -> frozenset[int]:
        """The statuses that it may be answered with."""
        if self.status is not None:
            return frozenset({self.status})
        return _TAKEN if self.way in SIGNED or self.way == "site" else _JUDGED

    def outcome(self, answer: Any) -> tuple[int, int]:
        """How many events were accepted and how many rejected, by the answer's JSON."""
        match self.way:
            case "events":
                statuses = [result["status"] for result in answer["results"]]
                return statuses.count("accepted"), statuses.count("rejected")
            case "members":
                return sum(len(one.get("event_ids", ())) for one in answer["results"]), answer["rejected"]
            case "campaigns":
                return answer["accepted"], answer["rejected"]
            case _:
                ignored = len(answer.get("ignored", ()))
                return self.events - ignored, ignored


def requests(address: Address, deliveries: Deliveries) -> Iterator[Request]:
    """All requests, the ways mixed as evenly as they come."""
    kinds = [list(posts) for _, posts in groupby(deliveries.posts, lambda post: post.way)]
    queues = [[_request(address, post) for post in posts] for posts in kinds]
    queues.append([_to_be_refused(address, request) for request in deliveries.refused])
    placed = ([((place + 1) / len(queue), request) for place, request in enumerate(queue)] for queue in queues)
    return (request for _, request in merge(*placed, key=lambda one: one[0]))


def _request(address: Address, post: Post) -> Request:
    headers = _JSON if post.way != "campaigns" else _LINES
    return Request(post.way, address.url + _path(post), post.body, headers | _proof(address, post), post.events)


def _path(post: Post) -> str:
    match post.way:
        case "line":
            return f"/webhooks/line/{source_of(post.way)}"
        case "facebook" | "instagram" | "whatsapp":
            return f"/webhooks/meta/{source_of(post.way)}"
        case "site":
            return "/v1/batch"
        case "members":
            return f"/v1/members?account={brand.ACCOUNTS['crm']}"
        case "campaigns":
            return f"/v1/campaigns/{quote(post.campaign, safe='')}/messages"
        case "events":
            return "/v1/events"


def _proof(address: Address, post: Post) -> dict[str, str]:
    """By which the sender is known: a signature over the body, a write key, an API key."""
    if post.way in SIGNED:
        digest = hmac.digest(address.credentials.secrets[post.way].encode(), post.body, hashlib.sha256)
        if post.way == "line":
            return {"x-line-signature": base64.b64encode(digest).decode()}
        return {"X-Hub-Signature-256": f"sha256={digest.hex()}"}
    if post.way == "site":
        user = base64.b64encode(f"{address.credentials.write_key}:".encode()).decode()
        return {"Authorization": f"Basic {user}"}
    return {"Authorization": f"Bearer {address.key}"}


def _to_be_refused(address: Address, refused: Refused) -> Request:
    # A credential that opens nothing: the right one with its end cut off.
    known = address.credentials
    cut = Credentials({way: secret[:-1] for way, secret in known.secrets.items()}, known.write_key[:-1])
    wrong = replace(address, key=address.key[:-1], credentials=cut)
    post = Post(refused.to, refused.body, 0, "nobody")
    return replace(_request(address if refused.proof == "right" else wrong, post), status=refused.status)
