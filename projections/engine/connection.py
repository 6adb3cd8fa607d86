"""The type of a connection to PostgreSQL, one's own or a pool's."""

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection = asyncpg.Connection | PoolConnectionProxy
