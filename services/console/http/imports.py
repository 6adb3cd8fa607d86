"""Imports: a file is uploaded and checked, its columns are named, and what the check found is done."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response

from projections.customers.search.known_values import ValuesAsked
from projections.imports.order import ImportOrder
from services.console.core import import_views
from services.console.core.import_details import row_detail
from services.console.core.import_views import ShownColumn
from services.console.http.commands import ingress_of
from services.console.http.jobs import CHANGING, by, job_id, shown
from services.console.http.pages import READING, PageRoute
from services.console.http.visits import SentFields, Visit, redirect
from services.control.errors import NotChecked, TooManyJobs, TooMuchKept
from services.control.imports import begin_dry_run, begin_run
from services.control.jobs import Job
from services.control.uploads import find_upload, imports_of, keep_upload
from services.ingress.core.shares import proven
from services.ingress.http.body import busy, stream_body
from services.ingress.http.context import LIST_COST
from services.ingress.http.imports import NO_ROOM, NOT_CHECKED, UPLOAD_ROOM
from services.query.handlers.fields import FieldReader
from services.runtime.api import Access
from services.runtime.budget import BudgetExceeded
from services.runtime.problems import BAD_REQUEST, TOO_MANY_JOBS, Problem

PATH: Final = "/console/imports"
_UPLOADING: Final = Access("customers:write", LIST_COST)
_CHANNELS: Final = ("line", "facebook", "instagram", "whatsapp", "web")
_CUSTOMERS: Final = "customers"
_MOST_ACCOUNTS: Final = 100
_LONGEST_NAME: Final = 200
_PIECE: Final = 65_536  # bytes
_FIELDS: Final = 20  # of the form with the file


async def new_import(visit: Visit) -> Response:
    """The form for a file."""
    return await _form(visit, 200, None)


async def upload(visit: Visit) -> Response:
    """Keep the file of the form, and have it checked."""
    visit.check_origin()
    ingress = ingress_of(visit)
    with ingress.budget.lease(*proven(visit.tenant)) as lease:
        try:
            lease.grow(UPLOAD_ROOM)
        except BudgetExceeded:
            raise busy() from None
        form = await _form_with_file(visit)
        try:
            fields = SentFields([(name, value) for name, value in form.multi_items() if isinstance(value, str)])
            visit.check_token(fields)
            file = form.get("file")
            if not isinstance(file, UploadFile) or not file.size:
                return await _form(visit, 422, visit.say("Choose a file that is not empty."))
            try:
                order = _order_of_form(fields)
            except ValidationError:
                return await _form(visit, 422, visit.say("Name the account that the contacts are of."))
            kept = await _kept(visit, file)
        finally:
            await form.close()
    await _begin_dry_run(visit, kept, order)
    return redirect(f"{PATH}/{kept.job_id}")


async def _form_with_file(visit: Visit) -> FormData:
    """The form, which has to be closed. The beginning of the file is in memory, and the rest on disk."""
    limit = ingress_of(visit).settings.import_body_limit
    pieces = (piece async for piece in stream_body(visit.request, limit))
    parser = MultiPartParser(visit.request.headers, pieces, max_files=1, max_fields=_FIELDS)
    try:
        return await parser.parse()
    except (MultiPartException, KeyError):
        raise Problem(BAD_REQUEST, "This is no form.") from None


async def _kept(visit: Visit, file: UploadFile) -> Job:
    ingress = ingress_of(visit)
    try:
        return await keep_upload(
            ingress.engine,
            visit.tenant,
            name=(file.filename or "import")[:_LONGEST_NAME],
            media_type="application/octet-stream",
            pieces=_pieces(file),
            days=ingress.settings.job_file_days,
            by=by(visit),
        )
    except TooMuchKept as error:
        raise Problem(NO_ROOM, str(error)) from None


async def show_import(visit: Visit) -> Response:
    """What a check of the file found, or what the import did; and how to read the file."""
    kept = await _upload(visit)
    newest = await _newest(visit, kept)
    columns = import_views.columns_of(newest.result, newest.problem)
    return _shown(visit, kept, newest, _Reading(newest.parameters["order"], columns))


class _Reading(NamedTuple):
    """How a file is read; with a problem if a form says so that can't be followed."""

    order: dict[str, Any]
    columns: Sequence[ShownColumn]
    problem: str | None = None


def _shown(visit: Visit, kept: Job, newest: Job, reading: _Reading) -> Response:
    """The page of an import."""
    order, columns, problem = reading
    result = newest.result or {}
    counts = result.get("counts", {})
    return visit.page(
        "imports/import.html",
        422 if problem else 200,
        problem=problem,
        name=kept.file.name if kept.file else "",
        upload=kept.job_id,
        job=shown(visit, newest),
        dry=newest.parameters["dry_run"],
        order=order,
        result=result,
        bars=import_views.bars_of(counts, visit.say),
        changes=counts.get("created", 0) + counts.get("updated", 0),
        columns=columns,
        options=import_views.field_options(order["kind"], [one.field for one in columns], visit.say),
        new_attribute=import_views.NEW_ATTRIBUTE,
        reason_name=import_views.reason_name,
        row_detail=row_detail,
    )


async def check_again(visit: Visit) -> Response:
    """Have the file checked with the columns of the form."""
    form = await visit.form()
    kept = await _upload(visit)
    newest = await _newest(visit, kept)
    columns = import_views.columns_of(newest.result, newest.problem)
    chosen = {one.number: field for one in columns if (field := form.one(f"field-{one.number}"))}
    keys = {one.number: form.one(f"key-{one.number}") for one in columns}
    changed = {
        "mapping": import_views.mapping_of(columns, chosen, keys) if chosen else {},
        "encoding": form.one("encoding") or None,
        "delimiter": {"tab": "\t"}.get(form.one("delimiter"), form.one("delimiter")) or None,
        "tags": form.one("tags", "add"),
    }
    try:
        order = ImportOrder.model_validate(newest.parameters["order"] | changed)
    except ValidationError:
        problem = visit.say("A key of an attribute has letters, digits and _ only.")
        sent = import_views.chosen_columns(columns, chosen, keys)
        return _shown(visit, kept, newest, _Reading(newest.parameters["order"] | changed, sent, problem))
    await _begin_dry_run(visit, kept, order)
    return redirect(f"{PATH}/{kept.job_id}")


async def run(visit: Visit) -> Response:
    """Have done what the check found that the page showed."""
    form = await visit.form()
    kept = await _upload(visit)
    try:
        await begin_run(ingress_of(visit).engine, kept, by(visit), job_id(form.one("checked")))
    except NotChecked:
        raise Problem(NOT_CHECKED, visit.say("The file was checked anew. Look at what that found.")) from None
    except TooManyJobs as error:
        raise Problem(TOO_MANY_JOBS, str(error)) from None
    return redirect(f"{PATH}/{kept.job_id}")


async def _form(visit: Visit, status: int, problem: str | None) -> Response:
    reader: FieldReader = visit.request.app.state.fields
    accounts = (await reader.values(visit.tenant, "account", ValuesAsked("", "", _MOST_ACCOUNTS), visit.now)).values
    names = sorted({str(one.value).rpartition(":")[2] for one in accounts})
    values: dict[str, Any] = {"problem": problem, "accounts": names, "channels": _CHANNELS}
    return visit.page("imports/new.html", status, **values)


def _order_of_form(fields: SentFields) -> ImportOrder:
    """Whose rows the file has. Raises ValidationError."""
    of = fields.one("of", _CUSTOMERS)
    if of == _CUSTOMERS:
        return ImportOrder(kind="customers")
    return ImportOrder.model_validate({"kind": "contacts", "channel": of, "account": fields.one("account").strip()})


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece


async def _newest(visit: Visit, kept: Job) -> Job:
    """The latest check or run of a file."""
    return (await imports_of(ingress_of(visit).engine, kept.job_id, visit.tenant))[0]


async def _upload(visit: Visit) -> Job:
    return await find_upload(ingress_of(visit).engine, job_id(visit.request.path_params["upload"]), visit.tenant)


async def _begin_dry_run(visit: Visit, kept: Job, order: ImportOrder) -> None:
    try:
        await begin_dry_run(ingress_of(visit).engine, kept, order, by(visit))
    except TooManyJobs as error:
        raise Problem(TOO_MANY_JOBS, str(error)) from None


ROUTES: Final = (
    PageRoute(f"{PATH}/new", new_import, CHANGING, role="marketer"),
    PageRoute(PATH, upload, _UPLOADING, "POST", role="marketer"),
    PageRoute(f"{PATH}/{{upload}}", show_import, READING),
    PageRoute(f"{PATH}/{{upload}}/check", check_again, CHANGING, "POST", role="marketer"),
    PageRoute(f"{PATH}/{{upload}}/run", run, CHANGING, "POST", role="marketer"),
)
