"""Values with gaps: the shape in which stories and senders' requests are written down. Pure.

In a text, ``{name.attribute[key]}`` stands for a value; a text that is one such gap becomes the value itself, of
whatever type. A tuple is a choice among its members. Lists and dictionaries are filled in member by member.
"""

import re
from collections.abc import Mapping
from random import Random
from string import Formatter
from typing import Any, Final

_FORMATTER: Final = Formatter()
_ONE_GAP: Final = re.compile(r"\{([^{}!:]+)\}")


def fill(template: Any, names: Mapping[str, Any], rng: Random | None = None) -> Any:
    """Return the template with all gaps filled; ``rng`` makes the choices. Raises KeyError on an unknown name."""
    match template:
        case dict():
            return {key: fill(value, names, rng) for key, value in template.items()}
        case list():
            return [fill(value, names, rng) for value in template]
        case tuple() if rng:
            return fill(rng.choice(template), names, rng)
        case str() if gap := _ONE_GAP.fullmatch(template):
            return _FORMATTER.get_field(gap[1], (), names)[0]
        case str() if "{" in template:
            return _FORMATTER.vformat(template, (), names)
        case _:
            return template
