"""THE WIRE: what is said between processes. Pure; imports nothing of ours."""
