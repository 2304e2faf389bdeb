import hashlib
import os

import pytest

from foramgrade.errors import InputError
from foramgrade.loaders import file_identity
from foramgrade.loaders.files import Format, find_format


@pytest.mark.parametrize(
    "name, kind",
    [
        ("a.nii", Format.NIFTI),
        ("A.NII.GZ", Format.NIFTI),
        ("a.b.mha", Format.METAIMAGE),
        ("a.seg.nrrd", Format.NRRD),
        ("a.DCM", Format.DICOM),
    ],
)
def test_the_name_tells_the_format(name, kind, tmp_path):
    (tmp_path / name).write_bytes(b"")
    assert find_format(tmp_path / name) is kind


def test_a_nameless_file_is_told_by_its_mark(tmp_path):
    (tmp_path / "IM1").write_bytes(bytes(128) + b"DICM")
    assert find_format(str(tmp_path / "IM1")) is Format.DICOM
    (tmp_path / "IM2").write_bytes(bytes(300))
    with pytest.raises(InputError, match="IM2: unknown kind of file, expected DICOM"):
        find_format(tmp_path / "IM2")


def test_a_gzip_that_is_no_nifti_is_refused(tmp_path):
    (tmp_path / "notes.tar.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(InputError, match=r"notes\.tar\.gz: unknown kind of file"):
        find_format(tmp_path / "notes.tar.gz")


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.nii"
    path.write_bytes(b"")
    # Permissions do not bind the superuser, as whom tests run in containers.
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.R_OK)
    with pytest.raises(InputError, match="reading it is not permitted"):
        find_format(path)


def test_the_identity_has_no_folder(tmp_path):
    path = tmp_path / "case.nii.gz"
    path.write_bytes(b"voxels")
    assert file_identity(path) == {"name": "case.nii.gz", "sha256": hashlib.sha256(b"voxels").hexdigest()}


def test_the_identity_of_nothing_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"case\.nii: no such file"):
        file_identity(tmp_path / "case.nii")
