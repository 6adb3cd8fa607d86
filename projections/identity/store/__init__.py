"""Identity in PostgreSQL, by the chunk: records evidence, loads what deciding asks for, saves what it decided.

Call everything inside one transaction, in whose search path the generation comes first.
"""
