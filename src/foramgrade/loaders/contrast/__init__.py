"""The contrast of a series, told from the physics in its header."""

from foramgrade.loaders.contrast.judging import Acquisition, Contrast, judge_contrast

__all__ = ["Acquisition", "Contrast", "judge_contrast"]
