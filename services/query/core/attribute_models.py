"""The shapes of custom attributes: their definitions, and the keys that have none."""

from typing import Annotated

from pydantic import Field, NonNegativeInt

from schemas.events.profile import AttributeType
from services.query.core.models import Shape, Timestamp


class AttributeView(Shape):
    """A custom attribute. One that is not ``defined`` has values all the same, since its key was sent."""

    key: Annotated[str, Field(examples=["birthday"])]
    defined: bool
    type: Annotated[AttributeType | None, Field(description="null for one that is not defined")] = None
    display_name: str | None = None
    names: Annotated[dict[str, str] | None, Field(description="by language: zh, en", examples=[{"zh": "生日"}])] = None
    description: str | None = None
    archived: bool = False
    defined_at: Timestamp | None = None
    customers: Annotated[NonNegativeInt, Field(description="how many customers have a value, as of their rows")]


class AttributePage(Shape):
    """Custom attributes in the order of their keys."""

    attributes: list[AttributeView]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]
