"""The plans that PostgreSQL makes for statements."""

from typing import Any, Final

import orjson

from projections.engine.connection import Connection

PLAN_CACHE_MODES: Final = ("force_custom_plan", "force_generic_plan")


async def plan_nodes(connection: Connection, statement: str, arguments: str) -> list[Any]:
    """Every node of the statement's plan, with what it did; ``arguments`` are SQL literals.

    Which of the two plans it is, a custom or a generic one, the connection's ``plan_cache_mode`` says.
    """
    await connection.execute(f"PREPARE planned AS {statement}")
    try:
        plan = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE planned({arguments})")
    finally:
        await connection.execute("DEALLOCATE planned")
    return _nodes(orjson.loads(plan)[0]["Plan"])


def _nodes(plan: Any) -> list[Any]:
    return [plan, *(node for inner in plan.get("Plans", []) for node in _nodes(inner))]
