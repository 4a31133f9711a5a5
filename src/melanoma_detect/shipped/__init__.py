"""The default detector's file. `scripts/train_default.py` makes it; its weights have terms of their own: see NOTICE."""
