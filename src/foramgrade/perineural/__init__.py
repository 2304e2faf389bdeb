"""Perineural fat: what is fat in the image, where the root is, and on which borders the fat is lost."""
