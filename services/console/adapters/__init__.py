"""What the console asks other servers."""
