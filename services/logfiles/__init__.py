"""The log as files: compressed, with checksums, to be archived, moved and restored."""
