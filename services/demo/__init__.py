"""``onefold demo``: a made-up brand's year, sent through every channel's own route, and accounts that must balance.

``stories`` plays the year that ``stories.toml`` tells, with the people that ``generate`` casts; ``senders`` put the
events into each sender's requests, ``deliveries`` orders these, ``sending`` sends them; ``progress`` waits until the
read models have them; ``accounts`` and ``customers`` count; ``report`` shows.
"""
