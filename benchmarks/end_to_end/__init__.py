"""Events committed end to end, from the log to every read model: Onefold, the usual way, and the bare pipeline.

All three read the same log of the same servers into the tables of a database of their own, and are timed alike: from
the moment the partitions are theirs to the last commit. Each is a process of its own. They take turns, and each round
begins with another one.

One event in twenty carries evidence. Onefold's clock runs until that is resolved too, into who is who; the other two
keep the contacts' tables and leave identity out, so what they are ahead by, or behind by less, is to Onefold's cost.
"""
