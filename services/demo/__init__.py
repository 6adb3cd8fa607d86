"""``onefold demo``: a made-up brand's year, sent through every channel's own route, and accounts that must balance.

``generate`` makes the events of a year (``arrivals``, ``visits``, ``campaigns``, ``rare_events``, ``identity_cases``);
``channels`` puts them into each sender's requests, ``deliveries`` orders these, ``sending`` sends them; ``progress``
waits until the read models have them; ``accounts`` and ``customers`` count; ``report`` shows.
"""
