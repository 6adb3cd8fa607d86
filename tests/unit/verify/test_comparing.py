"""A difference is named without the values that differ."""

from projections.engine.metadata import Rows, key_of
from projections.identity.tables import LINKS, LinkRow
from services.verify.comparing import compare
from tests.support.streams import id_of

ROW = LinkRow("demo", "default", "phone", "+886911111111", 2, id_of("demo", "web:shop:c1"))
ROWS: Rows = {key_of(LINKS, ROW): ROW}


def test_a_missing_or_unexpected_row_is_named_by_its_contact() -> None:
    nothing: Rows = {}
    for expected, found, kind in ((ROWS, nothing, "the table lacks it"), (nothing, ROWS, "the log does not give")):
        difference = compare(LINKS, expected, found).difference
        assert difference is not None
        assert difference.startswith(f"links of tenant demo, contact {ROW.contact_id}: ")
        assert kind in difference
        assert ROW.value not in difference


def test_equal_rows_have_no_difference() -> None:
    assert compare(LINKS, ROWS, dict(ROWS)).difference is None
