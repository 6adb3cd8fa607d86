"""Identity resolution, pure: statements and a policy in, customers and refused links out.

The rules, with reasons and worked examples, are in docs/identity-resolution.md#the-rules; modules cite them by name.

The result is a function of the *set* of events: neither order nor repetition matters, and retracting a statement leaves
what there would be without it. Nothing here reads a clock, a file or the network, or logs.

The steps, each a module: ``statements`` reads events; ``values`` normalises; ``member_merges`` says which member ids
became another's; ``nodes`` cuts each browser into its sessions and finds what is live; ``node_rules`` derives each
node's own links (*shared contact*, *exclusive register*, *one at a time*); ``holders`` refuses the links of identifiers
that too many or different people hold (*generic value*, *shared value*); ``clusters`` joins the remaining links in
order (*staff*, *join*); ``resolution`` runs these steps and names the customers; ``explain`` explains a result.
"""

from typing import Final

# Up with every change of the rules, or of how they are folded, that gives other rows for the same events.
VERSION: Final = 3
