"""Load, fold, save in one transaction: what every read model shares and none of them is."""
