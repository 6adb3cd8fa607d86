"""Do the tables say what the log says? Fold it in memory, from the first record, and compare row by row.

The tables and the offsets up to which they are folded are read in one snapshot, so the workers may go on meanwhile.
Each agent's tables are compared with its own topic, up to its own offsets; that what one agent says to the next got
there, and that what was told to others is what the tables say, is compared besides. And where identity has heard of the
whole log, it must come to what the rules give of the log itself, of which it was told the least that suffices.
"""
