"""How fast the log is folded again, beside how fast it was folded first."""
