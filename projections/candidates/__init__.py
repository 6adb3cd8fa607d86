"""Candidates: pairs of customers that are probably one person, and that no rule of identity joins.

A candidate is a proposal for staff. Nothing here joins customers: only staff's ``same``, or a ``member.merged``, does.

``profiles`` is what is compared of a customer; ``keys`` decides which customers are compared at all; ``scoring``
compares two of them; ``folds`` finds all candidates in memory. ``tables``, ``store`` and ``queries`` keep the keys and
the pairs, which the worker's sweep brings up to date; ``assembly`` makes profiles of rows.
"""
