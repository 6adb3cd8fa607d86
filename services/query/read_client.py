"""A client of the read API, for commands: typed by the models that the OpenAPI document is made of."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final, Self, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
import orjson
from pydantic import BaseModel

from services.control.import_models import ImportView
from services.query.core.attribute_models import AttributePage
from services.query.core.bulk_models import BulkPreview, BulkStarted
from services.query.core.erasure_models import ErasurePreview, ErasureView
from services.query.core.export_models import ExportPreview, ExportStarted
from services.query.core.job_models import JobView
from services.query.core.models import CustomerView
from services.query.core.quota_models import QuotaStatus
from services.query.core.search_models import SearchPage
from services.query.core.segment_models import SegmentPage
from services.query.core.send_models import SendAnswer
from services.runtime.errors import ForeseenError
from services.runtime.unreachable import trouble_with_http

AnswerT = TypeVar("AnswerT", bound=BaseModel)
_WITHIN: Final = 60.0  # seconds
_PARTIAL: Final = 206
_MAKE_A_KEY: Final = "Make a key with `onefold keys add TENANT --scope {scope}` and set it as ONEFOLD_KEY."
_READING: Final = "customers:read"
_SERVICE: Final = "Start the service with `onefold up`, or say where it is with --url or ONEFOLD_URL."


class CannotRead(ForeseenError):
    """The service did not answer, or refused; the message says what to do next."""


class ReadClient:
    """Asks one service with one key, as a context manager. Every method raises CannotRead."""

    def __init__(
        self, url: str, key: str | None, scopes: str = _READING, transport: httpx.BaseTransport | None = None
    ) -> None:
        """``scopes`` is what the key needs, as an option of `onefold keys add`. Raises CannotRead without a key."""
        self._scopes = scopes
        if not key:
            raise CannotRead(f"No API key is given. {_MAKE_A_KEY.format(scope=scopes)}")
        bearer = {"Authorization": f"Bearer {key}"}
        self._url = url
        self._client = httpx.Client(base_url=url, headers=bearer, timeout=_WITHIN, trust_env=False, transport=transport)

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its connections."""
        self._client.close()

    def search(self, request: Mapping[str, Any]) -> SearchPage:
        """A page of customers, for the body of a search."""
        return self._read(SearchPage, "POST", "/v1/customers/search", json=request)

    def customer(self, name: str) -> CustomerView:
        """A customer, by any of its names."""
        return self._read(CustomerView, "GET", f"/v1/customers/{quote(name, safe='')}")

    def quota(self, days: int | None) -> QuotaStatus:
        """What is used of the quota, with so many days of its history; None: as many as the service shows."""
        if days is None:
            return self._read(QuotaStatus, "GET", "/v1/quota")
        first = datetime.now(UTC).date() - timedelta(days=days - 1)
        return self._read(QuotaStatus, "GET", "/v1/quota", params={"from": first.isoformat()})

    def segments(self, cursor: str | None) -> SegmentPage:
        """A page of segments."""
        return self._read(SegmentPage, "GET", "/v1/segments", params={"cursor": cursor} if cursor else None)

    def attributes(self, cursor: str | None) -> AttributePage:
        """A page of custom attributes."""
        return self._read(AttributePage, "GET", "/v1/attributes", params={"cursor": cursor} if cursor else None)

    def preview_bulk_action(self, order: Mapping[str, Any]) -> BulkPreview:
        """What a bulk action would do."""
        return self._read(BulkPreview, "POST", "/v1/bulk-actions/preview", json=order)

    def start_bulk_action(self, order: Mapping[str, Any], token: str) -> BulkStarted:
        """Have a bulk action done of which this is the token of the preview."""
        return self._read(BulkStarted, "POST", "/v1/bulk-actions", json={**order, "token": token})

    def undo_bulk_action(self, job: UUID) -> JobView:
        """Have a bulk action undone."""
        return self._read(JobView, "POST", f"/v1/bulk-actions/{job}/undo")

    def job(self, job: UUID) -> JobView:
        """A job."""
        return self._read(JobView, "GET", f"/v1/jobs/{job}")

    def may_send(self, contacts: Iterable[str], purpose: str) -> list[SendAnswer]:
        """Whether messages may be sent to contacts, in their order."""
        lines = b"".join(orjson.dumps(one) + b"\n" for one in contacts)
        headers = {"Content-Type": "application/x-ndjson"}
        response = self._ask("POST", "/v1/may-send", params={"purpose": purpose}, content=lines, headers=headers)
        found = [orjson.loads(line) for line in response.content.splitlines()]
        if found and "contact" not in found[-1]:
            raise CannotRead(str(found[-1].get("detail") or found[-1].get("title")))
        return [SendAnswer.model_validate(one) for one in found]

    def start_import(self, parameters: Mapping[str, str], content: IO[bytes], size: int, media_type: str) -> ImportView:
        """Send a file of so many bytes; its dry run begins."""
        headers = {"Content-Type": media_type, "Content-Length": str(size)}
        return self._read(ImportView, "POST", "/v1/imports", params=parameters, content=content, headers=headers)

    def import_of(self, upload: UUID) -> ImportView:
        """An import, by the id of its file."""
        return self._read(ImportView, "GET", f"/v1/imports/{upload}")

    def run_import(self, upload: UUID) -> ImportView:
        """Have an import run whose dry run is done."""
        return self._read(ImportView, "POST", f"/v1/imports/{upload}/run")

    def preview_erasure(self, path: str) -> ErasurePreview:
        """Whom an erasure of what is at this path would erase."""
        return self._read(ErasurePreview, "POST", f"{path}/erase/preview")

    def start_erasure(self, path: str, token: str, deletion: str | None) -> ErasureView:
        """Have it done, of which this is the token of the preview; ``deletion`` is the request that it answers."""
        order = {"token": token} | ({} if deletion is None else {"deletion": deletion})
        return self._read(ErasureView, "POST", f"{path}/erase", json=order)

    def erasure(self, erasure: UUID) -> ErasureView:
        """An erasure."""
        return self._read(ErasureView, "GET", f"/v1/erasures/{erasure}")

    def preview_export(self, order: Mapping[str, Any]) -> ExportPreview:
        """How many rows an export would have."""
        return self._read(ExportPreview, "POST", "/v1/exports/preview", json=order)

    def start_export(self, order: Mapping[str, Any]) -> ExportStarted:
        """Have an export made."""
        return self._read(ExportStarted, "POST", "/v1/exports", json=order)

    def pieces(self, job: UUID, start: int, sha256: str) -> Iterator[bytes]:
        """The bytes of a job's file from ``start`` on, where it still is the file with this hash.

        Raises CannotRead, and httpx's TransportError where it breaks off.
        """
        headers = {"Range": f"bytes={start}-", "If-Range": f'"{sha256}"'} if start else {}
        with self._client.stream("GET", f"/v1/jobs/{job}/file", headers=headers) as response:
            if response.is_error:
                response.read()
                raise CannotRead(_advice(response, self._scopes))
            if start and response.status_code != _PARTIAL:
                raise CannotRead("The file is another one by now. Delete what was saved of it, and begin anew.")
            yield from response.iter_bytes()

    def save_file(self, job: UUID, target: Path) -> None:
        """Save the file of a job, piece by piece. Raises OSError too, also where the target exists."""
        with self._client.stream("GET", f"/v1/jobs/{job}/file") as response:
            if response.is_error:
                response.read()
                raise CannotRead(_advice(response, self._scopes))
            with target.open("xb") as opened:
                for piece in response.iter_bytes():
                    opened.write(piece)

    def _read(self, view: type[AnswerT], method: str, path: str, **more: Any) -> AnswerT:
        return view.model_validate_json(self._ask(method, path, **more).content)

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            response = self._client.request(method, path, **more)
        except httpx.TimeoutException:
            raise CannotRead(f"{self._url} did not answer within {_WITHIN:.0f} seconds. Try again.") from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError):
            raise CannotRead(f"{self._url} is no address of the service; write one as http://HOST:PORT.") from None
        except httpx.TransportError as error:
            raise CannotRead(
                f"The service at {self._url} can't be used: {trouble_with_http(error).found}. {_SERVICE}"
            ) from None
        if response.is_error:
            raise CannotRead(_advice(response, self._scopes))
        return response


def _advice(response: httpx.Response, scopes: str) -> str:
    """What the problem document says, and what to do about it."""
    try:
        problem: dict[str, Any] = dict(orjson.loads(response.content))
    except (orjson.JSONDecodeError, TypeError, ValueError):
        return f"What answers there is not Onefold (status {response.status_code}). Is the URL right?"
    fields = [f"{one.get('field')}: {one.get('message')}" for one in problem.get("errors", ())]
    said = ". ".join([str(problem.get("detail") or problem.get("title", "refused")).rstrip("."), *fields])
    lacking = str(problem.get("scope", scopes))
    wait = response.headers.get("Retry-After", "1")
    advice = {
        401: f" {_MAKE_A_KEY.format(scope=scopes)}",
        403: f" {_MAKE_A_KEY.format(scope=scopes if lacking in scopes else lacking)}",
        429: f" Try again in {wait} s.",
        503: f" Try again in {wait} s.",
    }
    return f"{said}.{advice.get(response.status_code, '')}"
