"""Write the synthetic study in sample_data/, or check that it is what this script makes.

Usage: python scripts/make_sample_data.py [--check] [--out FOLDER]
"""

import argparse
import csv
import gzip
import io
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from foramgrade.exports.nifti import write_labels, write_volume
from foramgrade.findings import Sequence
from foramgrade.phantom import CLINICAL_2D, Phantom, make_phantom, random_spec, truth_row

SEED = 20102
FOLDER = Path(__file__).resolve().parent.parent / "sample_data"
NAME = "lumbar"
LIMIT_BYTES = 6_000_000
#: Bytes before the voxels of a single-file NIfTI-1 image.
HEADER_BYTES = 352
README = f"""Synthetic lumbar spine
======================

No patient: every voxel was computed by scripts/make_sample_data.py from seed {SEED}.
Licence: CC0 1.0 (public domain dedication). For research and teaching.

{NAME}_T1.nii.gz      sagittal T1, 17 slices of 4.0 mm every 4.4 mm, 0.6 mm pixels
{NAME}_T2.nii.gz      sagittal T2 of the same spine on the same grid
{NAME}_labels.nii.gz  labels in the numbers of TotalSpineSeg step 2 (scheme "totalspineseg")
truth.csv             what a perfect measurement would find, one row per level and side

Columns of truth.csv
  lee_grade, lee_defined       Lee grade by the floor policy; whether Lee defines the pattern of lost borders
  lost_borders, root_shape     borders without perineural fat (S, P, I, A); whether the root is deformed
  area_mm2, height_mm          smallest section between the pedicle borders, perpendicular to the level's right axis
  width_superior_mm, width_disc_mm, width_inferior_mm
                               that section's antero-posterior extent at the root's centre, at the disc's mid-plane, and
                               half-way from there to its lower end
  disc_height_mm               disc 1 to 5 mm in front of its posterior margin on that section
  slip_mm, segmental_angle_deg translation of the upper body forward on the lower; angle between the facing endplates
  volume_mm3                   integral of the section areas between the pedicle borders
  root_area_mm2, root_aspect   ellipse of the nerve root on that section
  fat_*_mm                     median over the border's 90 degree sector of the fat between root and border
  section_x/y/z_mm             centre of that section, world (RAS+)
"""


def make_studies() -> tuple[Phantom, Phantom]:
    """T1 and T2 of one spine."""
    drawn = random_spec(np.random.default_rng(SEED), protocol=CLINICAL_2D, deformed=False)
    spec = replace(drawn, scale=400.0, snr=25.0)
    t1 = make_phantom(spec, rng=np.random.default_rng([SEED, 1]))
    t2 = make_phantom(replace(spec, sequence=Sequence.T2), rng=np.random.default_rng([SEED, 2]))
    return t1, t2


def truth_csv(phantom: Phantom) -> str:
    rows = [truth_row(truth) for truth in phantom.truth]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_all(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    t1, t2 = make_studies()
    grades = {int(truth.lee) for truth in t1.truth}
    if grades != {0, 1, 2, 3}:
        sys.exit(f"the sample must show the Lee grades 0 to 3, seed {SEED} gives {sorted(grades)}")
    write_volume(t1.image, folder / f"{NAME}_T1.nii.gz")
    write_volume(t2.image, folder / f"{NAME}_T2.nii.gz")
    write_labels(t1.labels, folder / f"{NAME}_labels.nii.gz")
    (folder / "truth.csv").write_text(truth_csv(t1), encoding="utf-8")
    (folder / "README.txt").write_text(README, encoding="utf-8")
    written = sorted(folder.iterdir())
    total = sum(path.stat().st_size for path in written)
    if total > LIMIT_BYTES:
        sys.exit(f"the sample takes {total} bytes, at most {LIMIT_BYTES} are allowed")
    return written


def same_content(made: Path, kept: Path) -> bool:
    """Whether two files agree: text, headers and labels to the byte, intensities to one unit.

    Compression differs between zlib versions and the last bit of single precision between processors; neither is a
    change of the sample.
    """
    if made.suffix != ".gz":
        return made.read_bytes() == kept.read_bytes()
    a, b = gzip.decompress(made.read_bytes()), gzip.decompress(kept.read_bytes())
    if len(a) != len(b) or a[:HEADER_BYTES] != b[:HEADER_BYTES]:
        return False
    if "labels" in made.name:
        return a == b
    voxels = [np.frombuffer(content, dtype="<i2", offset=HEADER_BYTES).astype(int) for content in (a, b)]
    return bool(np.abs(voxels[0] - voxels[1]).max() <= 1)


def check(folder: Path) -> list[str]:
    """Complaints about the files in a folder; empty when they are what the script makes."""
    with tempfile.TemporaryDirectory() as made_in:
        made = {path.name: path for path in write_all(Path(made_in))}
        kept = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
        complaints = [f"{name} is missing" for name in sorted(made.keys() - kept.keys())]
        complaints += [f"{name} is not made by the script" for name in sorted(kept.keys() - made.keys())]
        both = sorted(made.keys() & kept.keys())
        return complaints + [f"{name} differs" for name in both if not same_content(made[name], kept[name])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder (default: sample_data)")
    given = parser.parse_args()
    if given.check:
        complaints = check(given.out)
        if complaints:
            sys.exit("\n".join(complaints))
        print("the sample data are what the script makes")
        return
    for path in write_all(given.out):
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
