"""What is answered: JSON that no cache keeps, or a problem document for what can't be answered."""

from collections.abc import Callable
from typing import Final

from pydantic import BaseModel
from starlette.responses import Response

from projections.as_of.queries import TooMuchHistory
from projections.customers.search.costs import TooDear
from projections.customers.search.rewriting import Unsearchable
from projections.engine.times import NoTime
from projections.identity.resolution.policy import InvalidPolicy
from services.changes.destinations import RefusedDestination
from services.changes.errors import ChangesUnavailable, TooManyListeners, UnknownCursor
from services.control.errors import (
    AlreadyUndone,
    FileGone,
    JobFinished,
    NotEnded,
    TooLateToUndo,
    TooManyEndpoints,
    TooManyJobs,
    UnknownDeletion,
    UnknownEndpoint,
    UnknownErasure,
    UnknownJob,
)
from services.query.core.errors import (
    Ambiguous,
    AnswersAboutNow,
    BadCursor,
    BadSpan,
    CursorOfAnotherSearch,
    NoStartingPoint,
    NotFound,
    TwoPlaces,
    UnreadableList,
)
from services.query.core.membership_previews import NoMerge
from services.query.handlers.bulk_actions import PreviewOutdated, WrongType
from services.query.handlers.exports import NoRoomInExcel, TooManyAttributes
from services.query.handlers.jobs import NoFileYet
from services.query.ports import EvidenceTooLarge, PreviewBusy, ReadModelsUnavailable
from services.runtime import problems
from services.runtime.api import COMMON_PROBLEMS, problem_responses
from services.runtime.problems import TOO_MANY_JOBS, Kind, Problem

_AMBIGUOUS: Final = Kind("several-customers", "Several customers hold this value", 409)
_BAD_CURSOR: Final = Kind("bad-cursor", "This cursor was never given out", 400)
_NO_POLICY: Final = Kind("no-policy", "This is no policy", 422)
_NO_MERGE: Final = Kind("no-merge", "This is no merge of two members", 422)
_PREVIEW_BUSY: Final = Kind("preview-busy", "Another preview is being made", 429)
_TOO_LARGE: Final = Kind("preview-too-large", "The evidence is too much for a preview", 503)
_TOO_DEAR: Final = Kind("search-too-dear", "This search would look at too much", 422)
_UNSEARCHABLE: Final = Kind("unsearchable", "This can't be searched", 422)
_OTHER_CURSOR: Final = Kind("cursor-of-another-search", "This cursor is of another search", 422)
_NO_TIME: Final = Kind("no-time", "This is no time", 422)
_TOO_MUCH_HISTORY: Final = Kind("too-much-history", "More history than is read for one answer", 422)
_NO_ROOM_IN_EXCEL: Final = Kind("no-room-in-excel", "Excel has no room for this", 422)
_TOO_MANY_ATTRIBUTES: Final = Kind("too-many-attributes", "More attributes than an export has columns", 422)
_WRONG_TYPE: Final = Kind("wrong-attribute-type", "The attribute is defined with another type", 422)
_OUTDATED_PREVIEW: Final = Kind("preview-outdated", "Something else would be done than was shown", 409)
_ALREADY_UNDONE: Final = Kind("already-undone", "The job was undone already", 409)
_TOO_LATE: Final = Kind("too-late-to-undo", "The time to undo this is over", 409)
_NOT_ENDED: Final = Kind("job-not-ended", "The job has not ended yet", 409)
JOB_FINISHED: Final = Kind("job-finished", "The job has ended already", 409)
NO_FILE_YET: Final = Kind("no-file-yet", "The job is not done yet", 409)
FILE_GONE: Final = Kind("file-gone", "The file is no longer kept", 410)
_UNKNOWN_CHANGE_CURSOR: Final = Kind("unknown-change-cursor", "The changes can't go on from this cursor", 410)
_TOO_MANY_LISTENERS: Final = Kind("too-many-listeners", "Many listen to these changes already", 429)
LISTENED: Final = (
    COMMON_PROBLEMS
    | problem_responses(_UNKNOWN_CHANGE_CURSOR)
    | problem_responses(problems.TOO_FAST, _TOO_MANY_LISTENERS)
)
_TOO_MANY_ENDPOINTS: Final = Kind("too-many-endpoints", "The tenant has many webhook endpoints already", 409)
ENDPOINT_CHANGED: Final = COMMON_PROBLEMS | problem_responses(problems.BAD_REQUEST)
ENDPOINT_REPLAYED: Final = ENDPOINT_CHANGED | problem_responses(_UNKNOWN_CHANGE_CURSOR)
ENDPOINT_ADDED: Final = ENDPOINT_REPLAYED | problem_responses(_TOO_MANY_ENDPOINTS)
_BEGIN_ANEW: Final = (
    "The cursor was not given to this tenant, or its log is gone. To begin anew: ask with `after=now` and keep the "
    "cursor, read all customers, and go on from it. Or read all changes, from `after=beginning`."
)
DATED: Final = problem_responses(problems.INVALID_REQUEST, _NO_TIME, _TOO_MUCH_HISTORY)
SPANNED: Final = COMMON_PROBLEMS | problem_responses(problems.INVALID_REQUEST)
PAGED: Final = COMMON_PROBLEMS | problem_responses(_BAD_CURSOR)
PAGED_TIMES: Final = PAGED | problem_responses(problems.INVALID_REQUEST, _NO_TIME)
BY_ANY_NAME: Final = COMMON_PROBLEMS | problem_responses(_AMBIGUOUS)
PREVIEWED: Final = COMMON_PROBLEMS | problem_responses(
    problems.BAD_REQUEST,
    _NO_POLICY,
    problems.INVALID_REQUEST,
    problems.TOO_FAST,
    _PREVIEW_BUSY,
    _TOO_LARGE,
    problems.UNAVAILABLE,
)
SEARCHED: Final = (
    COMMON_PROBLEMS
    | problem_responses(problems.BAD_REQUEST, _BAD_CURSOR)
    | problem_responses(problems.INVALID_REQUEST, _TOO_DEAR, _UNSEARCHABLE, _OTHER_CURSOR)
)
EXPORT_PREVIEWED: Final = (
    COMMON_PROBLEMS
    | problem_responses(problems.BAD_REQUEST)
    | problem_responses(problems.INVALID_REQUEST, _TOO_DEAR, _UNSEARCHABLE, _NO_ROOM_IN_EXCEL, _TOO_MANY_ATTRIBUTES)
)
EXPORTED: Final = EXPORT_PREVIEWED | problem_responses(TOO_MANY_JOBS)
BULK_PREVIEWED: Final = (
    COMMON_PROBLEMS
    | problem_responses(problems.BAD_REQUEST)
    | problem_responses(problems.INVALID_REQUEST, _TOO_DEAR, _UNSEARCHABLE, _WRONG_TYPE)
)
BULK_STARTED: Final = BULK_PREVIEWED | problem_responses(_OUTDATED_PREVIEW) | problem_responses(TOO_MANY_JOBS)
BULK_UNDONE: Final = COMMON_PROBLEMS | problem_responses(_ALREADY_UNDONE, _TOO_LATE, _NOT_ENDED, TOO_MANY_JOBS)
ERASURE_STARTED: Final = (
    BY_ANY_NAME
    | problem_responses(problems.BAD_REQUEST, problems.INVALID_REQUEST)
    | problem_responses(_OUTDATED_PREVIEW, _AMBIGUOUS)
    | problem_responses(TOO_MANY_JOBS)
)
MATCHED: Final = BY_ANY_NAME | problem_responses(problems.BAD_REQUEST, problems.INVALID_REQUEST, _UNSEARCHABLE)
_MEMBERSHIP_PREVIEWED: Final = COMMON_PROBLEMS | problem_responses(
    problems.BAD_REQUEST, problems.TOO_FAST, _PREVIEW_BUSY, problems.INVALID_REQUEST, _TOO_LARGE, problems.UNAVAILABLE
)
PREVIEWED_DECISION: Final = _MEMBERSHIP_PREVIEWED
MERGE_PREVIEWED: Final = _MEMBERSHIP_PREVIEWED | problem_responses(_NO_MERGE, problems.INVALID_REQUEST)
_BUILD_INSTEAD: Final = "Build a generation as of that time instead, with `onefold rebuild --as-of` or `--known-at`."
_NEVER_STORED: Final = {"Cache-Control": "no-store"}  # it is about people


def answer(shape: BaseModel, status: int = 200) -> Response:
    """The shape as JSON."""
    return json_answer(shape.model_dump_json(by_alias=True).encode(), status)


def json_answer(body: bytes, status: int = 200) -> Response:
    """JSON that is written already."""
    return Response(body, status, media_type="application/json", headers=_NEVER_STORED)


def _ambiguous(error: Exception) -> Problem:
    candidates = [str(one) for one in getattr(error, "candidates", ())]
    return Problem(_AMBIGUOUS, str(error), candidates=candidates)


# How the application answers an error that a route raises.
PROBLEMS: Final[dict[type[Exception], Callable[[Exception], Problem]]] = {
    UnknownCursor: lambda _: Problem(_UNKNOWN_CHANGE_CURSOR, _BEGIN_ANEW),
    TooManyListeners: lambda error: Problem(_TOO_MANY_LISTENERS, str(error), headers={"Retry-After": "10"}),
    ChangesUnavailable: lambda _: problems.unavailable("Kafka"),
    RefusedDestination: lambda error: Problem(problems.INVALID_REQUEST, str(error), field="url"),
    UnknownEndpoint: lambda error: Problem(problems.NOT_FOUND, str(error)),
    TooManyEndpoints: lambda error: Problem(_TOO_MANY_ENDPOINTS, str(error)),
    NoStartingPoint: lambda error: Problem(problems.INVALID_REQUEST, str(error), field="after"),
    NotFound: lambda error: Problem(problems.NOT_FOUND, str(error)),
    Ambiguous: _ambiguous,
    AnswersAboutNow: lambda error: Problem(problems.INVALID_REQUEST, str(error)),
    TwoPlaces: lambda error: Problem(problems.INVALID_REQUEST, str(error), field="around"),
    BadSpan: lambda error: Problem(problems.INVALID_REQUEST, str(error)),
    UnreadableList: lambda error: Problem(problems.INVALID_REQUEST, str(error)),
    BadCursor: lambda error: Problem(_BAD_CURSOR, str(error)),
    CursorOfAnotherSearch: lambda error: Problem(_OTHER_CURSOR, str(error), field="cursor"),
    TooDear: lambda error: Problem(_TOO_DEAR, str(error), field="filter"),
    Unsearchable: lambda error: Problem(_UNSEARCHABLE, str(error), field="filter"),
    ReadModelsUnavailable: lambda _: problems.unavailable("PostgreSQL"),
    InvalidPolicy: lambda error: Problem(_NO_POLICY, str(error), field="policy"),
    NoTime: lambda error: Problem(_NO_TIME, str(error)),
    TooMuchHistory: lambda error: Problem(_TOO_MUCH_HISTORY, f"{error} {_BUILD_INSTEAD}"),
    NoMerge: lambda error: Problem(_NO_MERGE, str(error)),
    PreviewBusy: lambda error: Problem(_PREVIEW_BUSY, str(error), headers={"Retry-After": "5"}),
    NoRoomInExcel: lambda error: Problem(_NO_ROOM_IN_EXCEL, str(error), field="format"),
    TooManyAttributes: lambda error: Problem(_TOO_MANY_ATTRIBUTES, str(error), field="attributes"),
    WrongType: lambda error: Problem(_WRONG_TYPE, str(error), field="action"),
    PreviewOutdated: lambda error: Problem(_OUTDATED_PREVIEW, str(error)),
    AlreadyUndone: lambda error: Problem(_ALREADY_UNDONE, str(error)),
    TooLateToUndo: lambda error: Problem(_TOO_LATE, str(error)),
    NotEnded: lambda error: Problem(_NOT_ENDED, str(error)),
    UnknownDeletion: lambda error: Problem(problems.NOT_FOUND, str(error)),
    UnknownErasure: lambda error: Problem(problems.NOT_FOUND, str(error)),
    UnknownJob: lambda error: Problem(problems.NOT_FOUND, str(error)),
    JobFinished: lambda error: Problem(JOB_FINISHED, str(error)),
    NoFileYet: lambda error: Problem(NO_FILE_YET, str(error), headers={"Retry-After": "2"}),
    FileGone: lambda error: Problem(FILE_GONE, str(error)),
    TooManyJobs: lambda error: Problem(TOO_MANY_JOBS, str(error), headers={"Retry-After": "10"}),
    EvidenceTooLarge: lambda error: Problem(_TOO_LARGE, str(error)),
}
