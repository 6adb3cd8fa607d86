"""What all read models share: tables and statements, load, fold and save in one transaction, offsets, generations."""
