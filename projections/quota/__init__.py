"""How many valid contacts there are, by channel, account and day: what a tenant's quota is measured against."""
