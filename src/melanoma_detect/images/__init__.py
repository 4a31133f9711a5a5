"""Reading images: one door for pixels, perceptual hashes, the cache of decoded pixels, quality."""
