"""A foramen drawn by arithmetic on one section: fat in an elliptical opening, an elliptical root, lost sectors."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

PIXEL_MM = 0.3
SHAPE = (150, 130)
CENTRE = (75, 65)

FAT, NERVE, DARK = 1.0, 0.38, 0.08


@dataclass(frozen=True)
class Drawn:
    """Brightness, opening and true root of a drawn section."""

    brightness: npt.NDArray[np.float64]
    opening: npt.NDArray[np.bool_]
    root: npt.NDArray[np.bool_]


def ellipse(centre_mm, semi_mm, tilt_deg=0.0):
    """Pixels of an ellipse; centre (superior, anterior) from the middle of the raster, semi-axes likewise."""
    rows, columns = np.indices(SHAPE)
    up, forward = (rows - CENTRE[0]) * PIXEL_MM - centre_mm[0], (columns - CENTRE[1]) * PIXEL_MM - centre_mm[1]
    turn = np.radians(tilt_deg)
    along, across = up * np.cos(turn) + forward * np.sin(turn), forward * np.cos(turn) - up * np.sin(turn)
    return (along / semi_mm[0]) ** 2 + (across / semi_mm[1]) ** 2 <= 1


def sector(border, centre_mm):
    """Pixels of the 90 degree sector of a border, seen from a point."""
    rows, columns = np.indices(SHAPE)
    up, forward = (rows - CENTRE[0]) * PIXEL_MM - centre_mm[0], (columns - CENTRE[1]) * PIXEL_MM - centre_mm[1]
    away = {"S": up, "I": -up, "A": forward, "P": -forward}[border]
    across = forward if border in "SI" else up
    return away >= np.abs(across)


@pytest.fixture(scope="session")
def draw():
    """Draw a section: root semi-axes and centre in mm, lost borders filled with a tissue, blur in mm, noise."""

    def make(*, semi=(2.8, 2.4), at=(3.0, 0.0), lost="", filling=DARK, blur_mm=0.3, noise=0.0, tilt=0.0, seed=0):
        opening = ellipse((0.0, 0.0), (9.0, 5.5))
        root = ellipse(at, semi, tilt)
        image = np.where(opening, FAT, DARK)
        for border in lost:
            image[opening & sector(border, at)] = filling
        image[root] = NERVE
        image = ndimage.gaussian_filter(image, blur_mm / PIXEL_MM)
        image = image + np.random.default_rng(seed).normal(0.0, noise, image.shape)
        return Drawn(np.clip(image, 0, None), opening, root & opening)

    return make
