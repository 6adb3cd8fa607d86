"""Pieces of the OpenAPI document that the raw routes tell of themselves."""

from collections.abc import Iterable
from typing import Any, Final

from services.runtime.problems import MEDIA_TYPE, Kind

Document = dict[str, Any]

JSON: Final = "application/json"
STRING: Final[Document] = {"type": "string"}
COUNT: Final[Document] = {"type": "integer", "minimum": 0}


def answer(description: str, schema: str) -> Document:
    """An answer with a body of the schema."""
    content = {JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def problems(*kinds: tuple[Kind, ...]) -> Document:
    """The answers that are problems: kinds of one status together."""
    return {str(group[0].status): problem(group) for group in kinds}


def problem(kinds: Iterable[Kind], schema: str = "Problem") -> Document:
    """The answer that is one of these problems."""
    titles = "; ".join(f"{kind.title} (`{kind.type}`)" for kind in kinds)
    return {"description": titles, "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
