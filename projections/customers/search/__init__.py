"""The filter language of customers: the tree, two evaluators of it that agree, and the plan of a search."""
