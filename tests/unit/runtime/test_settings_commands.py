"""``onefold settings`` shows no secret."""

import pytest

from services.runtime.settings_commands import shown


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("postgresql://me:s3cret@host:5432/onefold", "postgresql://me:***@host:5432/onefold"),
        ("postgresql://me:s3:c@r:t@host/onefold", "postgresql://me:***@host/onefold"),
        ("postgresql://host/onefold?user=me&password=s3cret&sslmode=require",
         "postgresql://host/onefold?user=me&password=***&sslmode=require"),
        ("postgresql://host/onefold", "postgresql://host/onefold"),
        ("kafka:9092", "kafka:9092"),
    ],
)  # fmt: skip
def test_a_password_in_a_url_is_not_shown(url: str, seen: str) -> None:
    assert shown(url) == seen
