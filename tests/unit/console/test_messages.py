"""Every sentence of the console is in both languages."""

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import services.console

_ROOT = Path(services.console.__file__).parent
_METHODS = [
    ("commands.py", "ignore"),
    ("oidc_commands.py", "ignore"),
    ("**.py", "python"),
    ("templates/**.html", "jinja2"),
]
_OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.do,jinja2.ext.i18n"}}
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "say": None}
_PLACES = re.compile(r"%(?:\(\w+\))?s")


def test_every_sentence_is_translated_with_its_places() -> None:
    with (_ROOT / "locale" / "zh_Hant" / "LC_MESSAGES" / "console.po").open("rb") as source:
        catalogue = read_po(source, locale="zh_Hant_TW")
    found = {
        one[2][0] if isinstance(one[2], tuple) else one[2]
        for one in extract_from_dir(_ROOT, _METHODS, _OPTIONS, _KEYWORDS)
    }
    assert len(found) > 100
    translated = {sentence: _text(catalogue.get(sentence)) for sentence in found}
    assert [sentence for sentence, text in translated.items() if not text] == []
    assert [
        one for one, text in translated.items() if sorted(_PLACES.findall(one)) != sorted(_PLACES.findall(text))
    ] == []


def _text(message: object) -> str:
    string = getattr(message, "string", "")
    return string[0] if isinstance(string, tuple) else str(string)
