"""Every kind of file that a user brings, good ones of it, and who reads it: what fuzz tests damage.

Used by ``tests/test_fuzz.py`` on damage that repeats, and by ``scripts/fuzz_formats.py`` on damage that looks for new
branches of the code.
"""

import gzip
import importlib.resources
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nibabel import Nifti1Image
from SimpleITK import GetImageFromArray, WriteImage

import foramgrade as fg
from foramgrade.anatomy.schemes import load_scheme
from foramgrade.findings import ForamenAssessment, PerineuralFindings
from foramgrade.loaders.dataset import read_points
from foramgrade.tables import StudyAssessment, read_json, read_states, write_json

ROOT = Path(__file__).parents[1]
AFFINE = np.array([[0, 0, -4.4, 38], [-0.6, 0, 0, 61], [0, -0.7, 0, 47], [0, 0, 0, 1.0]])


@dataclass(frozen=True)
class Kind:
    """A kind of file: its name, what reads it, and what makes a good one in a folder."""

    file: str
    read: Callable[[Path], object]
    make: Callable[[Path], None]


def _voxels() -> np.ndarray:
    return np.arange(8 * 6 * 3, dtype=np.int16).reshape(8, 6, 3)


def _nifti(path: Path) -> None:
    content = Nifti1Image(_voxels(), AFFINE).to_bytes()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _itk(path: Path) -> None:
    image = GetImageFromArray(_voxels())
    image.SetSpacing((4.4, 0.6, 0.7))
    image.SetDirection((0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    WriteImage(image, str(path))


def _labels(path: Path) -> None:
    Nifti1Image((_voxels() % 3 + 43).astype(np.uint8), AFFINE).to_filename(path)


def _text(content: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_text(content, encoding="utf-8")

    return make


def _criteria(path: Path) -> None:
    (own,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "criteria.md").read_text(encoding="utf-8"), re.DOTALL)
    path.write_text(own, encoding="utf-8")


def _scheme(path: Path) -> None:
    known = importlib.resources.files("foramgrade.anatomy.schemes") / "totalspineseg.json"
    path.write_text(known.read_text(encoding="utf-8"), encoding="utf-8")


def _study(path: Path) -> None:
    level, findings = fg.Level("L4", "L5"), PerineuralFindings.from_lost("SI")
    graded = fg.grade(findings)
    foramen = ForamenAssessment(level, fg.Side.RIGHT, fg.Quality(0), (graded.reason,), graded, {}, findings)
    write_json(StudyAssessment("case-7", (foramen,), "T1", "spider", "0.1.0"), path)


def _manifest(path: Path) -> object:
    return fg.look_ahead(path, path.parent / "out")


_READS = "case,reader,level,side,lee,S,P,I,A,shape\n" + "".join(
    f"c{n},{who},L4-L5,{side},{n % 4},lost,thin,preserved,lost,unchanged\n"
    for n in range(3)
    for who in ("a", "b")
    for side in ("left", "right")
)

_STATES = "case,level,side,area_mm2,lee_grade\n" + "".join(
    f"c{n},L4-L5,{side},{80 + n},{n % 4}\n" for n in range(3) for side in ("left", "right")
)
_POINTS = "level,side,x,y,z\nL4-L5,left,-21,-40,12\nL4-L5,right,20,-40,12\n"

#: By the name of the kind.
KINDS = {
    "nifti": Kind("t1.nii", fg.read_volume, _nifti),
    "packed nifti": Kind("t1.nii.gz", fg.read_volume, _nifti),
    "metaimage": Kind("t1.mha", fg.read_volume, _itk),
    "nrrd": Kind("t1.nrrd", fg.read_volume, _itk),
    "labels": Kind("labels.nii", lambda path: fg.read_labels(path, scheme="totalspineseg"), _labels),
    "reads": Kind("reads.csv", fg.read_reads, _text(_READS)),
    "states": Kind("states.csv", read_states, _text(_STATES)),
    "points": Kind("points.csv", read_points, _text(_POINTS)),
    "manifest": Kind("cohort.csv", _manifest, _text("case,image,labels,scheme\nc1,a.nii,b.nii,spider\nc2,c.nii,,\n")),
    "criteria": Kind("own.toml", fg.read_criteria, _criteria),
    "scheme": Kind("own.json", load_scheme, _scheme),
    "assessment": Kind("assessment.json", read_json, _study),
}


def read(kind: Kind, content: bytes, folder: Path) -> object:
    """Read a file of some content, with warnings as errors; what is refused gives the sentence."""
    path = folder / kind.file
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return kind.read(path)
        except fg.ForamgradeError as error:
            return str(error)


def good(kind: Kind, folder: Path) -> bytes:
    """Content of a good file."""
    path = folder / kind.file
    kind.make(path)
    return path.read_bytes()


def pieces_of(name: str) -> tuple[bytes, ...]:
    """What is more likely than chance to be taken for something else in a file of a kind."""
    if name in ("nifti", "packed nifti", "metaimage", "nrrd", "labels"):
        return (b"\0\0", b"\xff\xff\xff\xff", b"\x7f\xc0\0\0", b"\x80\x7f", b"nan", b"-1", b"99999999999")
    return (b",", b"\n", b'"', b"nan", b"inf", b"-1", b"1e999", b"\0", b"\xff", b"=1+1", b"null", b"{}", b"[", b"0")
