"""What an erasure leaves of a contact: when it was, and hashes of the ids of the events that it erased."""
