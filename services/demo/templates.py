"""Values with gaps: the shape in which stories and senders' requests are written down. Pure.

In a text, ``{name.attribute[key]}`` stands for a value; a text that is one such gap becomes the value itself, of
whatever type. A tuple or ``{"any": [...]}`` is a choice. Lists and dictionaries are filled in member by member.
"""

import re
from collections.abc import Mapping
from random import Random
from string import Formatter
from typing import Any, Final

_FORMATTER: Final = Formatter()
_ONE_GAP: Final = re.compile(r"\{([^{}!:]+)\}")


def fill(template: Any, names: Mapping[str, Any], rng: Random) -> Any:
    """Return the template with all gaps filled; ``rng`` makes the choices. Raises KeyError on an unknown name."""
    match template:
        case tuple():
            return fill(rng.choice(template), names, rng)
        case {"any": choices}:
            return fill(tuple(choices), names, rng)
        case dict():
            return {key: fill(value, names, rng) for key, value in template.items()}
        case list():
            return [fill(value, names, rng) for value in template]
        case str():
            return _fill_text(template, names, rng)
        case _:
            return template


def _fill_text(text: str, names: Mapping[str, Any], rng: Random) -> Any:
    gap = _ONE_GAP.fullmatch(text)
    if gap is None:
        return _FORMATTER.vformat(text, (), names) if "{" in text else text
    value, _ = _FORMATTER.get_field(gap[1], (), names)
    return rng.choice(value) if isinstance(value, tuple) else value
