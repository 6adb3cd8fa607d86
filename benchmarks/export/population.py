"""Customers as the composer would leave them: two contacts each, on two channels, a tag, two attributes and a name."""

from typing import Final

from projections.customers.terms import CHANNEL, EVERYBODY, Term, term_id
from projections.engine.connection import Connection

TENANT: Final = "bench"
_CUSTOMERS: Final = """
INSERT INTO customer_rows
SELECT $1, md5(n::text)::uuid, lpad(n::text, 8, '0'), '+8869' || lpad(n::text, 8, '0'), n || '@example.com',
    '林小' || n, true, 2, 0, at, at + n * 7, NULL, at + n, (at + n * 7) / 3600000, NULL, (at + n) / 3600000,
    jsonb_build_object('tag' || n % 50, jsonb_build_array(jsonb_build_array(1, at, NULL))),
    jsonb_build_object('points', jsonb_build_array('number', n, at), 'size', jsonb_build_array('text', 'M', at)),
    ARRAY[n % 50]::bigint[], ARRAY['林小' || n], ARRAY[n % 500]::bigint[], at, '[]', NULL
FROM (SELECT n, $3::bigint + n AS at FROM generate_series(1, $2::int) AS n)
"""
_CONTACTS: Final = """
INSERT INTO customer_contacts
SELECT $1, md5(n::text)::uuid, md5(channel || n)::uuid, channel || ':a1:U' || md5(channel || n), channel,
    channel || ':a1', true, at, true, NULL, NULL, NULL, '{}', '{}', at, channel || ':a1:U' || md5(channel || n), at,
    (at + n * 7) / 3600000, NULL, (at + n) / 3600000
FROM (SELECT n, $3::bigint + n AS at FROM generate_series(1, $2::int) AS n),
    unnest(ARRAY['line', 'facebook']) AS channel
"""
_TERM: Final = "INSERT INTO customer_terms VALUES ($1, $2, $3, $4, $5)"
_TERMS: Final = (EVERYBODY, Term(CHANNEL, "line"), Term(CHANNEL, "facebook"))
# What an export of all shows of these, as it is stored, in the export's order.
STORED_ROWS: Final = """
SELECT customer_id, member_id, phone, email, name, last_customer_at, last_team_at, last_marketing_at, tags, attributes,
    (
        SELECT json_agg(json_build_array(contact, subscribed, subscribed_at) ORDER BY contact_id)
        FROM customer_contacts AS one
        WHERE one.tenant = customer_rows.tenant AND one.customer_id = customer_rows.customer_id
    )
FROM customer_rows
WHERE tenant = $1
ORDER BY customer_id
"""
_BASE_MS: Final = 1_767_225_600_000


async def fill(connection: Connection, customers: int) -> None:
    """Put so many customers into the generation of the search path."""
    for statement in (_CUSTOMERS, _CONTACTS):
        await connection.execute(statement, TENANT, customers, _BASE_MS)
    for term in _TERMS:
        await connection.execute(_TERM, TENANT, term_id(TENANT, term), *term, customers)
    for table in ("customer_rows", "customer_contacts"):
        await connection.execute(f"VACUUM ANALYZE {table}")
