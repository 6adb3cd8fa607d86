"""What each contact was ever said to have: identifiers that its channel vouches for, and those that others stated."""
