"""The control schema `onefold`, which outlives every generation: tenants, keys, sources, the active generation's name.

It is migrated, where a generation is never migrated but built again. `upgrade` needs no current directory and no
`alembic.ini`: an installed package can do it. For a new revision:
`ONEFOLD_DATABASE=… alembic revision --autogenerate -m "what changes"`.
"""
