"""Evidence in, Omni-customers out."""
