"""Events committed end to end, from the log to every read model: Onefold, stock Faust, and the bare pipeline.

All three read the same log of the same servers, each into the tables of its own database and in its own process. Each
is timed from the assignment of the partitions to the last commit. They take turns; each round begins with another one.

One event in twenty carries evidence. Onefold is timed until that is resolved, too; the other two write only the tables
of contacts and resolve no identity.
"""
