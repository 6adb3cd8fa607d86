"""Identity resolution, pure: evidence and a policy in, Omni-customers and refused links out.

The result is a function of the *set* of events, so neither order nor repetition matters, and taking evidence back
leaves what would have been without it. Nothing here reads a clock, a file or the network, or logs.

The steps, each a module: ``gather`` makes evidence of events; ``standing`` keeps each contact's own links (rules
1 to 3); ``holders`` drops what too many or too different people hold (4 and 5); ``clusters`` joins the rest in
order (6 and 7); ``resolution`` runs them and names the customers (8); ``explain`` says why; ``components`` cuts
the evidence into parts that can be resolved by themselves.
"""
