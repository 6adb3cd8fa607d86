"""The dictionary of fields over HTTP, for editors of filters."""

from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from projections.customers.search.known_values import ValuesAsked
from schemas.events.profile import AttributeKey
from services.query.core.field_models import ALL_FIELDS, FieldList, FieldValues
from services.query.handlers.fields import FieldReader
from services.query.http.parameters import ABOUT_NOW, Asking, AskingSettings, Now
from services.query.http.responses import PAGED, SPANNED, answer, json_answer
from services.runtime.api import COMMON_PROBLEMS, keyed_router

router = keyed_router("/v1/fields", "search")

_MOST: Final = 200
_LONGEST: Final = 200  # characters of a value that are known
_LONGEST_CURSOR: Final = 1_100  # a value as JSON
_STORABLE: Final = r"^[^\x00]*$"


async def _fields(request: Request) -> FieldReader:
    fields: FieldReader = request.app.state.fields
    return fields


KnownFields = Annotated[FieldReader, Depends(_fields)]


async def _asked(
    prefix: Annotated[str, Query(max_length=_LONGEST, pattern=_STORABLE, description="how the values begin")] = "",
    limit: Annotated[int, Query(ge=1, le=_MOST, description="most values on the page")] = 50,
    cursor: Annotated[
        str, Query(max_length=_LONGEST_CURSOR, pattern=_STORABLE, description="`next` of the page before")
    ] = "",
) -> ValuesAsked:
    return ValuesAsked(prefix, cursor, limit)


AskedValues = Annotated[ValuesAsked, Depends(_asked)]


@router.get(
    "", summary="The fields of filters", response_model=FieldList, responses=COMMON_PROBLEMS, dependencies=ABOUT_NOW
)
async def read_fields(_: AskingSettings) -> Response:
    """Each condition that a filter can have: its kind, what it takes, and its names in Chinese and English."""
    return json_answer(ALL_FIELDS)


@router.get(
    "/attribute/values/{key}",
    summary="The values of an attribute",
    response_model=FieldValues,
    responses=PAGED | SPANNED,
    dependencies=ABOUT_NOW,
)
async def read_attribute_values(
    asking: Asking, fields: KnownFields, key: Annotated[AttributeKey, Path(examples=["size"])], asked: AskedValues
) -> Response:
    """The values of up to 200 characters, with how many customers have each, exactly, as of their rows."""
    return answer(await fields.attribute_values(asking.tenant, key, asked))


@router.get(
    "/{field}/values",
    summary="The values of a field",
    response_model=FieldValues,
    responses=SPANNED,
    dependencies=ABOUT_NOW,
)
async def read_field_values(
    asking: AskingSettings,
    fields: KnownFields,
    field: Annotated[str, Path(max_length=100, examples=["tag"])],
    asked: AskedValues,
    now: Now,
) -> Response:
    """The values that customers have: tags, keys of attributes, channels, accounts, branches and the like; segments.

    With how many customers have each, exactly, as of their rows.
    """
    return answer(await fields.values(asking.tenant, field, asked, now))
