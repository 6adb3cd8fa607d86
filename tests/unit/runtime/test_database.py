import asyncpg
import pytest

from services.runtime.database import is_transient

REFUSED = asyncpg.InterfaceError("cannot perform operation: another operation is cancelling")


@pytest.mark.parametrize(
    ("first", "transient"), [(ValueError("no uuid"), False), (asyncpg.ConnectionDoesNotExistError("closed"), True)]
)
def test_what_ended_a_transaction_decides_and_not_that_it_could_not_be_taken_back(
    first: Exception, *, transient: bool
) -> None:
    assert is_transient(_while_taken_back(first)) is transient


def test_a_connection_that_cannot_be_used_is_an_absent_server() -> None:
    assert is_transient(REFUSED)


def _while_taken_back(first: Exception) -> Exception:
    try:
        try:
            raise first
        finally:
            raise asyncpg.InterfaceError(*REFUSED.args)
    except asyncpg.InterfaceError as error:
        return error
