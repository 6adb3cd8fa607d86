"""The read models: tables that are folds over the log, stored with the offsets that they were folded up to."""
