"""Label maps, whatever a segmentation tool leaves: one file of numbers, layers, segments, or a file per structure."""
