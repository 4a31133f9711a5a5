"""From files to trustworthy batches."""
