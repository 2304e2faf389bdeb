"""Files for other programs: images and label maps, DICOM objects, BIDS derivatives."""
