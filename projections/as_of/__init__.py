"""A customer as it was at a time, and as it was known at a time: the events up to then, folded again for one answer."""
