"""Identity resolution, pure: evidence and a policy in, customers and refused links out.

The rules, with reasons and worked examples, are in docs/identity-resolution.md#the-rules; modules cite them by name.

The result is a function of the *set* of events: neither order nor repetition matters, and retracting evidence leaves
what would have been without it. Nothing here reads a clock, a file or the network, or logs.

The steps, each a module: ``gather`` turns events into evidence; ``contact_links`` derives each contact's own links
(*blocked value*, *register*, *shared device*); ``holders`` refuses the links of identifiers that too many or different
people hold (*generic value*, *shared value*); ``clusters`` joins the remaining links in order (*staff decision*,
*join*); ``resolution`` runs these steps and names the customers (*customer id*); ``explain`` explains a result;
``components`` cuts the evidence into parts that can be resolved independently.
"""

from typing import Final

# Up with every change of the rules, or of how they are folded, that gives other rows for the same events.
VERSION: Final = 1
