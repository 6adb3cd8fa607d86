"""What readers get, as pure functions: names in, shapes and cursors out."""
