"""Templates in two languages. Every text of a page is autoescaped, and every sentence is in the catalogue."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from typing import Any, Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from jinja2 import FileSystemLoader, StrictUndefined

from services.console.core.channel_views import source_channel_name
from services.console.core.job_views import failure_detail, remedy, state_name
from services.console.core.list_views import channel_name
from services.console.core.names import Names
from services.console.core.words import LOCALES, Language
from services.console.http.templating import PageEnvironment

_FOLDER: Final = files("services.console")
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@cache
def translations(language: Language) -> NullTranslations:
    """The catalogue of a language. The sentences of the source are English, so English has none."""
    if language == "en":
        return NullTranslations()
    with (_FOLDER / "locale" / "zh_Hant" / "LC_MESSAGES" / "console.po").open("rb") as source:
        catalogue = read_po(source, locale=LOCALES[language])
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


@cache
def names_in(language: Language) -> Names:
    """What pages call things in a language."""
    return Names(translations(language).gettext)


@cache
def environment(language: Language) -> PageEnvironment:
    """The templates of a language."""
    made = PageEnvironment(
        translations(language),
        loader=FileSystemLoader(str(_FOLDER / "templates")),
        auto_reload=False,  # else each page asks the disk about every template that it is made of
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "asset": asset_url,
        "channel_name": channel_name,
        "channel_title": source_channel_name,
        "failure_detail": failure_detail,
        "remedy": remedy,
        "state_name": state_name,
    }
    made.filters["ms"] = _ms
    components: Any = made.get_template("components.html").module
    components.icon = lru_cache(maxsize=64)(components.icon)  # a page has many, of few channels
    made.globals["ui"] = components
    return made


def _ms(moment: datetime | None) -> int | None:
    """A time in ms, as the macros take it."""
    return None if moment is None else int(moment.timestamp() * 1000)


def render(template: str, language: Language, values: Mapping[str, Any]) -> str:
    """A template with values as HTML."""
    return environment(language).get_template(template).render(values)


@cache
def assets() -> Mapping[str, tuple[bytes, str]]:
    """The files that pages load: content and media type by name."""
    found = (one for one in (_FOLDER / "static").iterdir() if one.name.rpartition(".")[2] in _TYPES)
    return {one.name: (one.read_bytes(), _TYPES[one.name.rpartition(".")[2]]) for one in found}


@cache
def asset_url(name: str) -> str:
    """Where a page finds a file: another address for another content, so that browsers may keep it."""
    return f"/console/static/{name}?v={sha256(assets()[name][0]).hexdigest()[:12]}"
