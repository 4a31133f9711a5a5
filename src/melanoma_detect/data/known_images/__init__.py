"""Known images: indexes of fingerprints that recognise the images of public sets, and hold no image."""
