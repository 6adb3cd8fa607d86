"""What readers are shown, as pure functions of the rows and the time."""
