"""Geometry of the foramen: sections of a level, the opening on each of them, and its measures."""
