"""How many rounds a test plays in which chance has a part: few in `make test`, many more in `make soak`."""

import os
from typing import Final

_TIMES: Final = "ONEFOLD_TEST_ROUNDS"


def is_soak() -> bool:
    """Whether the long forms are wanted."""
    return _TIMES in os.environ


def rounds(few: int) -> int:
    """The number of rounds: `few`, times what `make soak` asks for."""
    return few * int(os.environ.get(_TIMES, "1"))
