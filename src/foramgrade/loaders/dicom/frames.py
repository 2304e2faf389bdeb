"""Frames of DICOM series: what their headers say, in the patient coordinates of DICOM (LPS)."""

from dataclasses import dataclass

import numpy as np

from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError
from foramgrade.loaders.contrast import Acquisition
from foramgrade.loaders.sources import Source

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How the pixels of a frame are stored.

    Parameters
    ----------
    transfer_syntax : str
        UID of the transfer syntax.
    samples, bits_allocated, bits_stored, high_bit : int
        Samples per pixel; bits of a stored cell, bits of a value, and its highest bit.
    signed : bool
        Whether values are two's complement.
    photometric : str
        Photometric interpretation.
    """

    transfer_syntax: str
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str


@dataclass(frozen=True, slots=True)
class Header:
    """What the frames of a series share. Equal headers are kept once.

    Parameters
    ----------
    study_uid, series_uid : str
        Instance UIDs; empty where missing.
    series_number : int or None
        Number of the series in its study.
    reference_uid : str
        UID of the frame of reference.
    patient : str
        Hash that tells patients apart, another one in every run; empty where the header names nobody.
    modality, manufacturer : str
        Modality and vendor.
    description : str
        Series description without the patient's names and numbers.
    rows, columns : int
        Size of a frame; 0 where missing.
    pixels : PixelFormat
        How pixels are stored.
    echo_number : int or None
        Number of the echo.
    stack_id : str
        Name of the stack in an enhanced header.
    acquisition : Acquisition
        What the contrast follows from.
    """

    study_uid: str
    series_uid: str
    series_number: int | None
    reference_uid: str
    patient: str
    modality: str
    manufacturer: str
    description: str
    rows: int
    columns: int
    pixels: PixelFormat
    echo_number: int | None
    stack_id: str
    acquisition: Acquisition


@dataclass(frozen=True, slots=True)
class Frame:
    """One slice as its header places it, in the patient coordinates of DICOM (LPS).

    Parameters
    ----------
    header : Header
        What it shares with the others.
    source : Source
        The file.
    index : int
        Number of the frame in the file, from 0.
    n_frames : int
        Number of frames in the file.
    instance_number : int or None
        Instance number of the file.
    position_mm : tuple of three float or None
        Centre of the first pixel, LPS, mm.
    row, column : tuple of three float or None
        Unit vectors along a row (growing column index x) and along a column (growing row index y), LPS.
    spacing_mm : tuple of two float or None
        Distance between rows, and between columns, mm (the order of Pixel Spacing).
    depth_mm : float or None
        Slice Thickness, else Spacing Between Slices, mm: only for a slice that has no neighbour.
    slope, intercept : float
        Rescale of stored values.
    pixel_offset : int or None
        Place of the pixel data in the file, bytes; None in a deflated file.
    pixel_bytes : int or None
        Length of the pixel data; None where the pixels are compressed.
    passes : tuple of float, tuple of float, or None
        What may tell repeated passes over the same places apart: temporal position, acquisition number, b-value,
        trigger time, direction of the diffusion gradient, and the indices that an enhanced header gives the frame.
    """

    header: Header
    source: Source
    index: int
    n_frames: int
    instance_number: int | None
    position_mm: Triple | None
    row: Triple | None
    column: Triple | None
    spacing_mm: tuple[float, float] | None
    depth_mm: float | None = None
    slope: float = 1.0
    intercept: float = 0.0
    pixel_offset: int | None = None
    pixel_bytes: int | None = None
    passes: tuple[float | tuple[float, ...] | None, ...] = ()

    @property
    def file(self) -> str:
        """Name of the file without its folders, with the frame's number where there are several."""
        name = self.source.file
        return name if self.n_frames == 1 else f"{name} frame {self.index + 1}"

    def to_world(self, x: float, y: float) -> FloatArray:
        """World position (RAS+), mm, of column `x` and row `y`, counted from 0 at the centre of the first pixel.

        Raises
        ------
        InputError
            If the header does not place the frame.
        """
        if self.position_mm is None or self.row is None or self.column is None or self.spacing_mm is None:
            msg = f"{self.file} does not say where in the patient it is"
            raise InputError(msg)
        between_rows, between_columns = self.spacing_mm
        lps = np.array(self.position_mm) + x * between_columns * np.array(self.row)
        lps = lps + y * between_rows * np.array(self.column)
        world: FloatArray = lps * [-1.0, -1.0, 1.0]
        return world
