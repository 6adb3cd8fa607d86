"""A difference is named without the values that differ."""

from projections.engine.metadata import Rows, key_of
from projections.identity.tables import REFERENCES, ReferenceRow
from services.verify.comparing import compare
from tests.support.streams import id_of

NAMED, BY = "web:shop:c1", "line:oa1:U1"
ROW = ReferenceRow("demo", "default", id_of("demo", NAMED), id_of("demo", BY), NAMED, BY, 1)
ROWS: Rows = {key_of(REFERENCES, ROW): ROW}


def test_a_missing_or_unexpected_row_is_named_by_its_contact() -> None:
    nothing: Rows = {}
    for expected, found, kind in ((ROWS, nothing, "the table lacks it"), (nothing, ROWS, "the log does not give")):
        difference = compare(REFERENCES, expected, found).difference
        assert difference is not None
        assert difference.startswith(f"contact_references of tenant demo, contact {ROW.contact_id}: ")
        assert kind in difference
        assert NAMED not in difference


def test_equal_rows_have_no_difference() -> None:
    assert compare(REFERENCES, ROWS, dict(ROWS)).difference is None
