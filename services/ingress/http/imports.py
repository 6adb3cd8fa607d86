"""Imports over HTTP: a file that is kept, planned by a dry run at once, and run when that is asked for."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from projections.imports.order import (
    ATTRIBUTE,
    FIELDS,
    IGNORED,
    Delimiter,
    EncodingName,
    ImportKind,
    ImportOrder,
    TagMode,
)
from schemas.events.base import ChannelName
from services.control.auth import Principal
from services.control.errors import NotChecked, TooManyJobs, TooMuchKept, UnknownJob
from services.control.import_models import ImportResult, ImportRun, ImportView
from services.control.imports import begin_dry_run, begin_run
from services.control.jobs import Job
from services.control.uploads import find_upload, imports_of, keep_upload
from services.ingress.core.shares import proven
from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, UNSUPPORTED_ENCODING, busy, stream_body
from services.ingress.http.context import LIST_COST, CustomerWriter, Serving, require
from services.runtime.api import COMMON_PROBLEMS, body_of, keyed_router, problem_responses
from services.runtime.budget import BudgetExceeded
from services.runtime.problems import (
    INVALID_REQUEST,
    NOT_FOUND,
    SLOW_BODY,
    TOO_LARGE,
    TOO_MANY_JOBS,
    UNAVAILABLE,
    Kind,
    Problem,
)

NOT_CHECKED: Final = Kind("import-not-checked", "No dry run of this import is done", 409)
NO_ROOM: Final = Kind("no-room", "Files to import take all the room that they may", 429)
UPLOAD_ROOM: Final = 4_194_304  # bytes of this process's memory that an upload needs: two parts of a file
_LONGEST_MAPPING: Final = 65_536
_LONGEST_NAME: Final = 200
_TYPES: Final = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
_ANY: Final = "application/octet-stream"  # what most generated clients can stream
_BINARY: Final = {"type": "string", "format": "binary"}

router: Final[APIRouter] = keyed_router("/v1/imports", "jobs")

# A file that may be large, sent whole; and who looks at an import.
Uploader = Annotated[Principal, Depends(require("customers:write", LIST_COST))]
Looking = Annotated[Principal, Depends(require("customers:read"))]
ImportId = Annotated[UUID, Path(alias="import", description="the import's id")]


async def _order(
    *,
    kind: Annotated[ImportKind, Query(description="customers by member id, or one account's contacts by user id")],
    channel: Annotated[ChannelName | None, Query(description="of contacts")] = None,
    account: Annotated[str, Query(description="of the channel; of customers, the CRM's name")] = "crm",
    encoding: Annotated[EncodingName | None, Query(description="left out: UTF-8, or else cp950")] = None,
    delimiter: Annotated[
        Delimiter | None, Query(description="left out: the one that the first line has most of")
    ] = None,
    tags: Annotated[TagMode, Query(description="`replace` also takes off the tags that a row does not have")] = "add",
    mapping: Annotated[
        str,
        Query(
            max_length=_LONGEST_MAPPING,
            description="a JSON object of fields by the titles of columns, before what is guessed",
            examples=['{"Code": "member_id", "Level": "attribute:vip_level"}'],
        ),
    ] = "{}",
) -> ImportOrder:
    """What is asked for. Raises a 422 problem."""
    given = {"kind": kind, "channel": channel, "account": account, "encoding": encoding, "delimiter": delimiter}
    try:
        return ImportOrder.model_validate(given | {"tags": tags, "mapping": orjson.loads(mapping)})
    except orjson.JSONDecodeError:
        raise Problem(INVALID_REQUEST, "the mapping is a JSON object", field="mapping") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "channel"
        raise Problem(INVALID_REQUEST, _advice(first["loc"], first), field=field) from None


def _advice(place: tuple[int | str, ...], error: Mapping[str, Any]) -> str:
    """What is wrong with the order, for people."""
    match place:
        case ("mapping", title, *_):
            fields = ", ".join((*FIELDS, IGNORED, f"{ATTRIBUTE}KEY"))
            return f"{title} is mapped to {error['input']}, which is no field: fields are {fields}"
        case _:
            return str(error["msg"])


@router.post(
    "",
    status_code=202,
    summary="Import customers or contacts from a file",
    response_model=ImportView,
    responses=COMMON_PROBLEMS
    | problem_responses(MALFORMED_BODY, CUT_OFF, SLOW_BODY, TOO_LARGE, UNSUPPORTED_ENCODING)
    | problem_responses(INVALID_REQUEST, NO_ROOM, TOO_MANY_JOBS, UNAVAILABLE),
    openapi_extra=body_of(dict.fromkeys((*_TYPES, _ANY), _BINARY)),
)
async def start_import(
    request: Request,
    ingress: Serving,
    principal: Uploader,
    order: Annotated[ImportOrder, Depends(_order)],
    *,
    name: Annotated[
        str, Query(min_length=1, max_length=_LONGEST_NAME, pattern=r"^[^\x00]+$", description="of the file")
    ] = "import",
) -> Response:
    """The file is kept, and a dry run begins, which changes nothing. `POST /v1/imports/{import}/run` does the rest.

    CSV or a workbook of Excel. `GET /v1/imports/{import}` says what the dry run found.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    with ingress.budget.lease(*proven(principal.tenant)) as lease:
        try:
            lease.grow(UPLOAD_ROOM)
            upload = await keep_upload(
                ingress.engine,
                principal.tenant,
                name=name,
                media_type=media_type if media_type in _TYPES else _ANY,
                pieces=_pieces(request, ingress.settings.import_body_limit),
                days=ingress.settings.job_file_days,
                by=_by(principal),
                room=ingress.settings.import_room,
            )
        except BudgetExceeded:
            raise busy() from None
        except TooMuchKept as error:
            raise Problem(NO_ROOM, str(error)) from None
    try:
        await begin_dry_run(ingress.engine, upload, order, _by(principal))
    except TooManyJobs as error:
        raise Problem(TOO_MANY_JOBS, str(error)) from None
    return await _view(ingress.engine, upload, 202)


async def _pieces(request: Request, limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for piece in stream_body(request, limit):
        size += len(piece)
        yield piece
    if not size:
        raise Problem(MALFORMED_BODY, "the file is empty", reason="empty")


@router.get("/{import}", summary="An import", response_model=ImportView, responses=COMMON_PROBLEMS)
async def read_import(ingress: Serving, principal: Looking, upload: ImportId) -> Response:
    """What its dry run found, and what its run did."""
    return await _view(ingress.engine, await _upload(ingress.engine, upload, principal), 200)


@router.post(
    "/{import}/run",
    status_code=202,
    summary="Run an import",
    response_model=ImportView,
    responses=COMMON_PROBLEMS | problem_responses(NOT_CHECKED, TOO_MANY_JOBS),
)
async def run_import(ingress: Serving, principal: CustomerWriter, upload: ImportId) -> Response:
    """The rows become events, once its dry run is done. In the end `differs` says where the run differed from that.

    Running it again changes nothing more.
    """
    found = await _upload(ingress.engine, upload, principal)
    try:
        await begin_run(ingress.engine, found, _by(principal))
    except TooManyJobs as error:
        raise Problem(TOO_MANY_JOBS, str(error)) from None
    except NotChecked as error:
        raise Problem(NOT_CHECKED, str(error)) from None
    return await _view(ingress.engine, found, 202)


def _by(principal: Principal) -> str:
    return principal.key_name or principal.key_prefix


async def _upload(engine: Any, upload: UUID, principal: Principal) -> Job:
    try:
        return await find_upload(engine, upload, principal.tenant)
    except UnknownJob as error:
        raise Problem(NOT_FOUND, str(error)) from None


async def _view(engine: Any, upload: Job, status: int) -> Response:
    runs = await imports_of(engine, upload.job_id, upload.tenant)
    file = upload.file
    view = ImportView(
        id=upload.job_id,
        name=file.name if file else "",
        bytes=file.size if file else 0,
        runs=[_run(one) for one in runs[:1000]],
    )
    return view.response(status, {"Cache-Control": "no-store"})


def _run(job: Job) -> ImportRun:
    return ImportRun(
        job=job.job_id,
        dry_run=job.parameters["dry_run"],
        state=job.state,
        done=job.done,
        total=job.total,
        result=ImportResult.model_validate(job.result) if job.result else None,
        problem=None if job.problem is None else dict(job.problem),
        refused_rows=f"/v1/jobs/{job.job_id}/file" if job.file and job.file.is_kept else None,
    )
