"""The shapes of the dictionary of fields: what filters can ask of, and the values that customers have."""

from typing import Annotated, Final

from pydantic import Field, JsonValue, NonNegativeInt

from projections.customers.search.fields import FIELDS, About, FieldKind, FilterField, ValueForm
from services.query.core.models import Shape


class FieldLabels(Shape):
    """What people call a field."""

    zh_hant: Annotated[str, Field(alias="zh-Hant", examples=["標籤"])]
    en: Annotated[str, Field(examples=["Tag"])]


class FieldView(Shape):
    """A field of the filter language.

    ``forms`` are what its value may be: a text, a number, a list, true or false, or an object of ``operators``.
    The operators of the kinds `tag` and `value` stand beside the key, in the same object.
    """

    key: Annotated[str, Field(examples=["tag"])]
    kind: FieldKind
    about: Annotated[About, Field(description="`both`: within `same_contact` of the contact, else of the customer")]
    labels: FieldLabels
    forms: list[ValueForm]
    operators: list[str]
    choices: Annotated[list[str], Field(description="all values that there can be; empty where any text can be one")]
    has_values: Annotated[bool, Field(description="whether `/v1/fields/{key}/values` knows the values of customers")]


class FieldList(Shape):
    """Every field of the filter language."""

    fields: list[FieldView]


class FieldValue(Shape):
    """A value that customers have."""

    value: JsonValue
    customers: Annotated[NonNegativeInt | None, Field(description="how many have it; null where they were not counted")]
    label: Annotated[str | None, Field(description="what people call it, where it has a name of its own")] = None
    cut: Annotated[bool, Field(description="whether this is only the beginning of a value that is very long")] = False


class FieldValues(Shape):
    """Values in their order. A page may be shorter than asked for, and is the last one only without ``next``."""

    values: list[FieldValue]
    exact: Annotated[bool, Field(description="false where tags that have run out are counted as if they had not")]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]


def field_view(field: FilterField) -> FieldView:
    """A field as readers get it."""
    return FieldView(
        key=field.key,
        kind=field.kind,
        about=field.about,
        labels=FieldLabels(zh_hant=field.zh_hant, en=field.en),
        forms=list(field.forms),
        operators=list(field.operators),
        choices=list(field.choices),
        has_values=field.term is not None or field.kind == "segment",
    )


# The language is the program's: what a process answers with never changes.
ALL_FIELDS: Final = FieldList(fields=[field_view(one) for one in FIELDS]).model_dump_json(by_alias=True).encode()
