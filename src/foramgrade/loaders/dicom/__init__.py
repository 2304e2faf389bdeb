"""DICOM series: headers, stacks of slices, places, pixels; LPS becomes RAS+ at this door."""
