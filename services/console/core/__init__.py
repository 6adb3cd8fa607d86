"""Pure functions of the console."""
