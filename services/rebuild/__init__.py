"""``onefold rebuild``: folds the log into the next generation beside the active one, compares the two, and swaps them.

The generation that is built is held at or below the offsets of the active one (`projections.engine.holds`). Once it has
come to the hold, a snapshot of the active one says where to go on to, and a second one is taken there: so both have
folded exactly the same records, though the log grows. Identity reads a topic of its own, by which the active generation
may be some chunks away: rows of identity that differ count only if they still differ in later snapshots.
"""
