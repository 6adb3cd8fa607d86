"""Identity resolution, pure: evidence and a policy in, customers and refused links out.

The result is a function of the *set* of events: neither order nor repetition matters, and retracting evidence leaves
what would have been without it. Nothing here reads a clock, a file or the network, or logs.

The steps, each a module: ``gather`` turns events into evidence; ``contact_links`` derives each contact's own links
(rules 1 to 3); ``holders`` refuses the links of identifiers that too many or different people hold (4 and 5);
``clusters`` joins the remaining links in order (6 and 7); ``resolution`` runs these steps and names the customers (8);
``explain`` explains a result; ``components`` cuts the evidence into parts that can be resolved independently.
"""
