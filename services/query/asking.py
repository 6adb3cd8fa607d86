"""What commands that ask the read API share: where it is, with which key, and filters that are typed or in a file.

What they run is imported when they run: it is slow to import.
"""

from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from services.query.read_client import ReadClient

_FEWEST_DIGITS: Final = 5  # of what may be a phone number

Url = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="ONEFOLD_URL", help="Where the service answers; else on ONEFOLD_HOST and ONEFOLD_PORT."
    ),
]
KeyOption = Annotated[
    str | None, typer.Option("--key", envvar="ONEFOLD_KEY", help="An API key; better in ONEFOLD_KEY.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As the HTTP API answers it.")]


def ask_service(
    url: str | None, key: str | None, ask: "Callable[[ReadClient], None]", scopes: str = "customers:read"
) -> None:
    """Ask the service; what fails ends the command with a sentence and status 1. ``scopes`` are those that it needs."""
    from services.query.read_client import CannotRead, ReadClient
    from services.runtime.settings import Settings
    from services.runtime.terminal import fail

    settings = Settings()
    try:
        with ReadClient(url or f"http://{settings.host}:{settings.port}", key, scopes) as client:
            ask(client)
    except CannotRead as error:
        fail(str(error))


def filter_in(text: str | None) -> Any:
    """The filter that is JSON itself, or in a file."""
    import orjson

    if text is None:
        return None
    try:
        return orjson.loads(text if text.lstrip().startswith("{") else Path(text).read_bytes().removeprefix(BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"The filter is no JSON: {error}") from None
    except OSError as error:
        raise typer.BadParameter(f"{text} can't be read: {error.strerror}") from None


def filter_of(words: str, given: str | None) -> Any:
    """The filter of words, of a filter that is given, or of both."""
    parts = [part for part in (_by_words(words.strip()), filter_in(given)) if part is not None]
    if not parts:
        raise typer.BadParameter("Give words or a --filter.")
    return parts[0] if len(parts) == 1 else {"all": parts}


def _by_words(words: str) -> Any:
    if not words:
        return None
    conditions: list[dict[str, Any]] = [{"name": {"contains": words}}, {"member_id": words}]
    if "@" in words:
        conditions.append({"email": words})
    if sum(one.isdigit() for one in words) >= _FEWEST_DIGITS:
        conditions.append({"phone": words})
    return {"any": conditions}
