"""How much memory the embedded PostgreSQL takes for its buffers."""

import pytest

from services.embedded.postgres import buffers_for


@pytest.mark.parametrize(("memory_gib", "buffers_mb"), [(0.5, 128), (4, 512), (64, 2_048)])
def test_buffers_are_an_eighth_of_the_memory_within_bounds(memory_gib: float, buffers_mb: int) -> None:
    assert buffers_for(int(memory_gib * 2**30)) == buffers_mb
