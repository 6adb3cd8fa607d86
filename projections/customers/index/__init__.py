"""The search index: a tenant's customers in the memory of the process that answers, as bitmaps and columns."""
