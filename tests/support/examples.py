"""How many examples a property test tries, by the chosen Hypothesis profile (`tests/conftest.py` has the profiles)."""

from typing import Final

from hypothesis import settings

_DEFAULT: Final = 100  # what Hypothesis tries by itself


def examples(usual: int) -> int:
    """``usual`` examples by the ordinary profile, the same share of more or fewer by another; at least one.

    For tests that need another number than Hypothesis's own. Call it when a test module is imported.
    """
    return max(1, usual * settings().max_examples // _DEFAULT)
