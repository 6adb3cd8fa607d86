"""A job's file as a response that can be resumed: by its entity tag, and by ranges of bytes."""

import re
from base64 import b64encode
from typing import Final
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from services.query.core.ranges import ByteRange, Unsatisfiable, asked_range
from services.query.handlers.jobs import Jobs, StoredFile
from services.runtime.api import Responses
from services.runtime.application import HEADERS_ONLY
from services.runtime.problems import Kind, Problem

UNSATISFIABLE: Final = Kind("range-beyond-the-file", "The file has no such bytes", 416)
_TYPES: Final = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
_CONTENT: Final = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _TYPES}
SERVED: Final[Responses] = {
    200: {"description": "The whole file.", "content": _CONTENT},
    206: {"description": "The bytes that `Range` asks for.", "content": _CONTENT},
    304: {"description": "The file is the one of `If-None-Match`."},
}
_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def file_response(request: Request, jobs: Jobs, stored: StoredFile) -> Response:
    """The file, or the part of it that the request asks for. Raises a 416 problem."""
    file, headers = stored.file, _headers(stored)
    if _named(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    part = _asked(request, file.size, headers["ETag"])
    wanted = part or ByteRange(0, file.size)
    headers["Content-Length"] = str(wanted.end - wanted.start)
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{file.size}"
    status = 200 if part is None else 206
    if HEADERS_ONLY in request.scope:
        return Response(None, status, headers, file.type)
    return StreamingResponse(jobs.content(stored, *wanted), status, headers, file.type)


def _asked(request: Request, size: int, tag: str) -> ByteRange | None:
    """The range that is asked for, unless it is of another file than this one."""
    if request.headers.get("if-range", tag) != tag:
        return None
    try:
        return asked_range(request.headers.get("range"), size)
    except Unsatisfiable as error:
        raise Problem(UNSATISFIABLE, str(error), headers={"Content-Range": f"bytes */{size}"}) from None


def _named(header: str | None, tag: str) -> bool:
    return header is not None and (header.strip() == "*" or tag in _TAG.findall(header))


def _headers(stored: StoredFile) -> dict[str, str]:
    file = stored.file
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",  # it is about people
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
        "ETag": f'"{file.sha256.hex()}"',
        "Repr-Digest": f"sha-256=:{b64encode(file.sha256).decode()}:",
        "X-Content-Type-Options": "nosniff",
    }
