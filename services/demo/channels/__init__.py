"""How each sender puts canonical events into its own requests. Pure: equal events give equal requests."""
