"""The topic of customer changes, as it is given to other systems: each tenant its own changes, from a cursor on."""
