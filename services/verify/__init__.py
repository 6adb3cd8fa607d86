"""``onefold verify``: compares the tables with the log, row by row.

The log is folded again in memory, from its first record. The tables, and the offsets up to which they were folded, are
read in one snapshot, so workers may go on meanwhile. Four comparisons:

1. each agent's tables with its own topic, up to its own offsets;
2. the evidence topic with the evidence that the channel events carry: nothing may be missing (`check_evidence`);
3. the customer-changes topic and the outbox with the membership in the tables (`check_outbox`);
4. the membership with a full resolution of the log, where all evidence has been read (`check_resolution`).

A record that a worker set aside because its event can't be saved counts as a dead letter here, too.
"""
