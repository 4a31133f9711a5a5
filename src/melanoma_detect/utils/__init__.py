"""Small tools that every package uses: files, progress bars, the disclaimer."""
