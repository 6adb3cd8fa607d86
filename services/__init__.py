"""THE PROCESSES: one package each; none imports another, but for those that compose them."""
