"""Files that the package brings: the default detector and the index of public images.

`default.detector` is made by `scripts/train_default.py`; its weights have a licence of their own: see NOTICE. `public.known` is
made by `scripts/public_images.py`: fingerprints of images of public sets, with their published ids and labels, and no image.
"""
