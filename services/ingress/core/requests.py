"""The models of request bodies. The model that validates a body is the one that the OpenAPI document shows.

A model checks the shape; the event classes check the content afterwards. A refusal names the field as deep as the
caller wrote it: a field, an item of a list, or a key of an object of attributes.
"""

from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from projections.identity.resolution.contact_uids import one_uid
from schemas.events import ContactRef
from schemas.events.base import AssertedIdentifier, Frozen, Word
from schemas.events.profile import AttributeKey, AttributeType, Tagging
from schemas.refusals import refusals
from services.ingress.core.events import shown
from services.ingress.core.times import millis_of

MOST_TAGS: Final = 100
MOST_ATTRIBUTES: Final = 200
MOST_IDENTIFIERS: Final = 20
_KEY_PARTS: Final = 3
_REASONS: Final = {"too_long": "too_many", "string_unicode": "not_json"}
_OWN_REASONS: Final = frozenset({"invalid_contact", "same_contact"})

M = TypeVar("M", bound=BaseModel)


class Refused(ValueError):
    """Why a body is refused: a word of a closed set, a sentence for people, and the field that it is about."""

    def __init__(self, reason: str, detail: str, field: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail, self.field = reason, detail, field


def read(model: type[M], body: Any, what: str) -> M:
    """The parsed body as the model. ``what`` names it in a refusal. Raises Refused."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
    unknown = [one for one in found if one["type"] == "extra_forbidden" and len(one["loc"]) == 1]
    if unknown:
        name = min(str(one["loc"][0]) for one in unknown)
        raise Refused("unknown_field", f"{what} has {', '.join(sorted(model.model_fields))}", shown(name))
    if not found[0]["loc"]:
        raise Refused("not_an_object", f"{what} is a JSON object")
    kind = found[0]["type"]
    reason = kind if kind in _OWN_REASONS else _REASONS.get(kind, "invalid_field")
    first = refusals(found, body)[0]
    raise Refused(reason, first.why, first.place)


def contact_of(key: Any) -> dict[str, str] | None:
    """The contact that a key names, under its one uid; ``contact:`` may come before it. None where it names none."""
    parts = key.removeprefix("contact:").split(":", _KEY_PARTS - 1) if isinstance(key, str) else ()
    if len(parts) != _KEY_PARTS:
        return None
    channel, account, uid = parts
    return {"channel": channel, "account": account, "uid": one_uid(channel, uid)}


def _by_key(key: Any) -> dict[str, str]:
    contact = contact_of(key)
    if contact is None:
        raise PydanticCustomError("invalid_contact", "a contact is named by its key, channel:account:uid")
    return contact


def _by_key_or_parts(value: Any) -> Any:
    return _by_key(value) if isinstance(value, str) else value


def _number_as_text(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _bare_tag(value: Any) -> Any:
    return {"tag": value} if isinstance(value, str) else value


def _bare_value(value: Any) -> Any:
    return value if value is None or isinstance(value, dict) else {"value": value}


def _bare_reach(value: Any) -> Any:
    return {"value": value} if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def _not_a_member_id(identifier: AssertedIdentifier) -> AssertedIdentifier:
    if identifier.type == "member_id":
        raise PydanticCustomError("invalid_field", "the record's own member id is its only one")
    return identifier


class AttributeInput(Frozen):
    """An attribute's value with its type; ``type`` may be left out where the value shows it."""

    value: bool | int | float | str
    type: AttributeType | None = None


class Reach(Frozen):
    """A phone number or an e-mail address; ``verified`` if it was checked to be the person's."""

    value: Annotated[str, BeforeValidator(_number_as_text, json_schema_input_type=str | int)] | None = None
    verified: bool = False


_KeyText = Annotated[str, Field(description="A contact's key.", examples=["line:oa-taipei:Uc0ffee"])]
ContactFromKey = Annotated[ContactRef, BeforeValidator(_by_key, json_schema_input_type=_KeyText)]
ContactFromKeyOrParts = Annotated[
    ContactRef, BeforeValidator(_by_key_or_parts, json_schema_input_type=_KeyText | ContactRef)
]
TextOrNumber = Annotated[
    str, StringConstraints(strip_whitespace=True), BeforeValidator(_number_as_text, json_schema_input_type=str | int)
]
ReachInput = Annotated[Reach, BeforeValidator(_bare_reach, json_schema_input_type=str | int | Reach)]
# What can't be read is None here, and a warning in the answer.
TimeInput = Annotated[
    int | None,
    BeforeValidator(millis_of, json_schema_input_type=int | float | str | None),
    Field(examples=["2026-03-01T10:11:12+08:00", 1_760_000_000_000]),
]
TagInput = Annotated[Tagging, BeforeValidator(_bare_tag, json_schema_input_type=Word | Tagging)]
TagList = Annotated[list[TagInput], Field(max_length=MOST_TAGS)]
ValueInput = Annotated[
    AttributeInput | None,
    BeforeValidator(_bare_value, json_schema_input_type=bool | int | float | str | AttributeInput | None),
    Field(description="A value, bare or with its type; null removes the attribute."),
]
AttributeValues = Annotated[dict[AttributeKey, ValueInput], Field(max_length=MOST_ATTRIBUTES)]
IdentifierList = Annotated[list[AssertedIdentifier], Field(max_length=MOST_IDENTIFIERS)]
MemberIdentifierList = Annotated[
    list[Annotated[AssertedIdentifier, AfterValidator(_not_a_member_id)]], Field(max_length=MOST_IDENTIFIERS)
]


class TagChanges(Frozen):
    """Tags to add and to remove; a tag in both is removed first, so that its count starts again."""

    add: TagList | None = None
    remove: TagList | None = None
