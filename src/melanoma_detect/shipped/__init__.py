"""The default detector's file, made by `scripts/train_default.py`. Its weights have a licence of their own: see NOTICE."""
