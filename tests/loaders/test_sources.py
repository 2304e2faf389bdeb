import hashlib
import io
import logging
import os
import random
import stat
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from foramgrade.errors import InputError
from foramgrade.loaders import archive as archives
from foramgrade.loaders.sources import is_archive, sources_identity, walk_sources

TREE = {
    "b/2.dcm": b"two",
    "b/10.dcm": b"ten",
    "a.dcm": b"a" * 100_000,
    "b/deeper/x": b"",
    "c.d/y": b"y",
    ".DS_Store": b"left out",
    "b/._2.dcm": b"left out",
    "__MACOSX/b/2.dcm": b"left out",
    ".git/objects/o": b"left out",
}
LISTED = ["a.dcm", "b/10.dcm", "b/2.dcm", "b/deeper/x", "c.d/y"]


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "study"
    for name, data in TREE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def write_zip(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def names(path, **limits):
    return [source.name for source in walk_sources(path, **limits)]


def read_all(path, **limits):
    found = {}
    for source in walk_sources(path, **limits):
        with source.open() as file:
            found[source.name] = file.read()
    return found


def poke(path, position, data):
    """Overwrite bytes of a file."""
    with path.open("r+b") as file:
        file.seek(position)
        file.write(data)


def directory_of(path):
    """Position of the first entry of an archive's table of contents."""
    return path.read_bytes().index(b"PK\x01\x02")


# --- folders ---


def test_a_folder_is_walked_in_order_of_names_without_hidden_files(tree):
    assert names(tree) == LISTED
    assert read_all(tree) == {name: TREE[name] for name in LISTED}


def test_the_order_does_not_depend_on_the_file_system(tree, monkeypatch):
    scandir = os.scandir

    class Shuffled:
        def __init__(self, folder):
            with scandir(folder) as found:
                self.entries = list(found)
            random.Random(3).shuffle(self.entries)

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *error):
            return None

    monkeypatch.setattr(os, "scandir", Shuffled)
    assert names(tree) == LISTED


def test_a_single_file_is_its_own_source(tree):
    assert read_all(tree / "b" / "2.dcm") == {"2.dcm": b"two"}


def test_an_empty_folder_has_no_sources(tmp_path):
    assert names(tmp_path) == []


def test_progress_counts_every_file(tree):
    seen = []
    list(walk_sources(tree, progress=seen.append))
    assert seen == [1, 2, 3, 4, 5]


def test_what_is_not_there_is_refused_without_its_folder(tmp_path):
    with pytest.raises(InputError, match=r"^nothing: no such file or folder$"):
        list(walk_sources(tmp_path / "nothing"))


def test_a_file_gone_since_the_walk_is_refused(tree):
    source = next(iter(walk_sources(tree)))
    (tree / "a.dcm").unlink()
    with pytest.raises(InputError, match=r"^a\.dcm cannot be opened: no such file or directory$"):
        source.open()


def test_links_to_folders_never_loop_and_list_nothing_twice(tree, tmp_path):
    (tree / "b" / "up").symlink_to(tree, target_is_directory=True)
    (tree / "z_again").symlink_to(tree / "b", target_is_directory=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "o.dcm").write_bytes(b"o")
    (outside / "back").symlink_to(outside, target_is_directory=True)
    (tree / "link1").symlink_to(outside, target_is_directory=True)
    (tree / "link2").symlink_to(outside, target_is_directory=True)
    assert names(tree) == [*LISTED, "link1/o.dcm"]


def test_linked_files_are_followed_even_into_hidden_folders(tree):
    (tree / "annexed.dcm").symlink_to(tree / ".git" / "objects" / "o")
    assert read_all(tree)["annexed.dcm"] == b"left out"


def test_dangling_and_circular_links_and_pipes_are_left_out_with_a_word(tree, caplog):
    (tree / "absent.dcm").symlink_to(tree / "never.dcm")
    (tree / "itself.dcm").symlink_to("itself.dcm")
    os.mkfifo(tree / "pipe")
    assert names(tree) == LISTED
    for name in ("absent.dcm", "itself.dcm", "pipe"):
        assert f"left out: {name} is not a file" in caplog.text


def test_an_archive_inside_a_folder_is_left_out_with_a_word(tree, caplog):
    write_zip(tree / "more.ZIP", {"x": b""})
    assert names(tree) == LISTED
    assert "left out: more.ZIP is an archive inside a folder" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_may_not_be_read(tree, caplog):
    (tree / "b").chmod(0)
    try:
        assert names(tree) == ["a.dcm", "c.d/y"]
        assert "left out: a folder that cannot be opened: reading it is not permitted" in caplog.text
        with pytest.raises(InputError, match="the folder b cannot be opened: reading it is not permitted"):
            names(tree / "b")
    finally:
        (tree / "b").chmod(stat.S_IRWXU)


def test_a_refused_folder_is_named_without_its_path(tree, caplog, monkeypatch):
    scandir = os.scandir

    def refuse(folder):
        if Path(folder).name == "b":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert names(tree) == ["a.dcm", "c.d/y"]
    assert "left out: a folder that cannot be opened: reading it is not permitted" in caplog.text
    assert str(tree) not in caplog.text
    with pytest.raises(InputError, match=r"^the folder cannot be opened: reading it is not permitted$"):
        names(tree / "b")


def test_a_refused_file_is_named_without_its_path(tree, monkeypatch):
    def refuse(self, mode, **options):
        raise PermissionError(13, "Permission denied", str(self))

    (source, *_) = walk_sources(tree)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"^a\.dcm cannot be opened: reading it is not permitted$"):
        source.open()
    with pytest.raises(InputError, match=r"^a\.dcm cannot be opened: reading it is not permitted$"):
        is_archive(tree / "a.dcm")


def test_walking_takes_memory_for_the_largest_folder_only(tmp_path):
    def peak(folders):
        root = tmp_path / str(folders)
        for n in range(folders):
            (root / f"{n:03d}").mkdir(parents=True)
            for k in range(20):
                (root / f"{n:03d}" / f"{k}.dcm").touch()
        tracemalloc.start()
        count = sum(1 for _ in walk_sources(root))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == 20 * folders
        return most

    peak(2)
    # Ten times the files: only the list of the ten times as many folders, some 100 bytes each, may grow.
    assert peak(100) - peak(10) < 90 * 300


# --- archives ---


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_holds_what_its_folder_holds(method, tree, tmp_path):
    shuffled = list(TREE.items())
    random.Random(1).shuffle(shuffled)
    path = write_zip(tmp_path / "study.zip", dict(shuffled), method)
    assert names(path) == LISTED
    assert read_all(path) == read_all(tree)
    assert sources_identity(walk_sources(path)) == sources_identity(walk_sources(tree))
    assert set(tmp_path.iterdir()) == {tree, path}, "nothing is unpacked"


def test_an_archive_is_told_by_its_first_bytes(tree, tmp_path):
    path = write_zip(tmp_path / "study.bin", TREE)
    assert is_archive(path)
    assert is_archive(write_zip(tmp_path / "empty", {}))
    assert not is_archive(tree)
    assert not is_archive(tree / "a.dcm")
    assert names(tmp_path / "empty") == []


def test_folders_of_an_archive_are_no_files(tmp_path):
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("empty")
        archive.writestr("full/a", b"a")
    assert names(path) == ["full/a"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_reads_and_seeks_like_a_file(method, tmp_path):
    rng = random.Random(7)
    data = rng.randbytes(300_000) + bytes(300_000)
    (source,) = walk_sources(write_zip(tmp_path / "study.zip", {"x": data}, method))
    plain = io.BytesIO(data)
    with source.open() as file:
        assert file.seekable()
        assert file.name == "x"
        assert file.readable()
        for _ in range(300):
            whence = rng.choice([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END])
            low = {os.SEEK_SET: 0, os.SEEK_CUR: -plain.tell(), os.SEEK_END: -len(data)}[whence]
            offset = rng.randint(low, low + len(data) + 50)
            assert file.seek(offset, whence) == plain.seek(offset, whence)
            size = rng.choice([0, 1, 4, 100, 70_000, -1])
            assert file.read(size) == plain.read(size)
            assert file.tell() == plain.tell()
        with pytest.raises((ValueError, OSError), match=r"before the first byte|negative seek"):
            file.seek(-1)


def test_only_what_is_read_is_decompressed(tmp_path):
    (source,) = walk_sources(write_zip(tmp_path / "study.zip", {"x": random.Random(1).randbytes(20_000_000)}))
    tracemalloc.start()
    with source.open() as file:
        file.read(1000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000


def test_opening_many_members_is_not_quadratic(tmp_path):
    def seconds(n):
        path = write_zip(tmp_path / f"{n}.zip", {f"{k}.dcm": b"x" for k in range(n)})
        start = time.perf_counter()
        assert len(read_all(path)) == n
        return time.perf_counter() - start

    seconds(10)
    few = min(seconds(200) for _ in range(3))
    # 20 times the members in about 20 times the time; re-reading the table for each would take 400 times as long.
    assert seconds(4000) < 100 * few


def test_the_same_name_twice_gives_both_members(tmp_path):
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"first")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("x", b"second")
    contents = []
    for source in walk_sources(path):
        with source.open() as file:
            contents.append(file.read())
    assert contents == [b"first", b"second"]


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "a/..", "/etc/x", "C:/x", "c:x", "a\\x", "..\\x", "//server/x"],
)
def test_a_name_that_leads_out_is_refused(name, tmp_path):
    path = write_zip(tmp_path / "study.zip", {"good": b"", name: b"x"})
    with pytest.raises(InputError, match=r"^study\.zip: the member '.*x?' leads out of the archive") as refusal:
        names(path)
    assert repr(name) in str(refusal.value)
    assert str(tmp_path) not in str(refusal.value)


def test_a_name_with_a_nul_byte_is_refused(tmp_path):
    path = write_zip(tmp_path / "study.zip", {"a.dcmX.exe": b"x"})
    path.write_bytes(path.read_bytes().replace(b"a.dcmX.exe", b"a.dcm\0.exe"))
    with pytest.raises(InputError, match="leads out of the archive"):
        names(path)


def test_dots_within_a_name_are_harmless(tmp_path):
    path = write_zip(tmp_path / "study.zip", {"1.2.840..7/a..b": b"x"})
    assert names(path) == ["1.2.840..7/a..b"]


def test_an_encrypted_member_is_refused(tmp_path):
    path = write_zip(tmp_path / "study.zip", {"x": b"secret"})
    poke(path, directory_of(path) + 8, struct.pack("<H", 1))
    with pytest.raises(InputError, match=r"the member 'x' is encrypted: unpack the archive first"):
        names(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_compression_is_refused(method, tmp_path):
    path = write_zip(tmp_path / "study.zip", {"x": b"x"}, method)
    with pytest.raises(InputError, match=f"compressed by method {method}, expected deflate"):
        names(path)


def test_too_many_members_are_refused(tmp_path):
    path = write_zip(tmp_path / "study.zip", {str(k): b"" for k in range(11)})
    with pytest.raises(InputError, match=r"study\.zip has 11 members, expected at most 10"):
        names(path, max_members=10)
    assert len(names(path, max_members=11)) == 11


def test_too_much_data_is_refused(tmp_path):
    path = write_zip(tmp_path / "study.zip", {"a": bytes(600), "b": bytes(401)})
    with pytest.raises(InputError, match=r"study\.zip holds 1001 bytes once decompressed, expected at most 1000"):
        names(path, max_bytes=1000)
    assert len(names(path, max_bytes=1001)) == 2


def test_a_large_member_of_absurd_ratio_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ANY_RATIO_BELOW", 2**20)
    path = write_zip(tmp_path / "study.zip", {"x": bytes(2**20 + 1)})
    with pytest.raises(InputError, match=r"the member 'x' declares 1048577 bytes from \d+, expected at most 200 times"):
        names(path)
    assert names(path, max_ratio=1100) == ["x"]
    assert names(write_zip(tmp_path / "small.zip", {"x": bytes(2**20)})) == ["x"], "small ones harm nobody"


@pytest.mark.parametrize("declared", [0, 10, 70_000])
def test_a_member_that_inflates_beyond_its_declared_size_is_refused(declared, tmp_path):
    path = write_zip(tmp_path / "study.zip", {"x": bytes(10_000_000)})
    poke(path, directory_of(path) + 24, struct.pack("<I", declared))
    (source,) = walk_sources(path)
    tracemalloc.start()
    with (
        source.open() as file,
        pytest.raises(InputError, match=f"holds more than the {declared} bytes it declares: the archive is damaged"),
    ):
        file.read()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000, "the excess is never expanded"


def test_a_stored_member_longer_than_declared_is_refused(tmp_path):
    path = write_zip(tmp_path / "study.zip", {"x": bytes(200_000)}, zipfile.ZIP_STORED)
    poke(path, directory_of(path) + 24, struct.pack("<I", 2**16))
    (source,) = walk_sources(path)
    with source.open() as file, pytest.raises(InputError, match="holds more than the 65536 bytes it declares"):
        file.read()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_shorter_than_declared_is_refused(method, tmp_path):
    path = write_zip(tmp_path / "study.zip", {"x": b"x" * 1000}, method)
    poke(path, directory_of(path) + 24, struct.pack("<I", 4_000_000_000))
    (source,) = walk_sources(path, max_ratio=1e9)
    with source.open() as file, pytest.raises(InputError, match="ends after 1000 of 4000000000 bytes"):
        file.read(2000)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_changed_bytes_are_noticed(method, tmp_path):
    path = write_zip(tmp_path / "study.zip", {"x": random.Random(2).randbytes(5000)}, method)
    poke(path, 2000, b"\xff\x00\xff")
    (source,) = walk_sources(path)
    with (
        source.open() as file,
        pytest.raises(InputError, match=r"does not match its checksum|cannot be decompressed|ends after|holds more"),
    ):
        file.read()


def test_a_member_that_is_elsewhere_is_refused(tmp_path):
    path = write_zip(tmp_path / "study.zip", {"x": b"x"})
    poke(path, 0, b"XX")
    (source,) = archives.read_members(path)
    with pytest.raises(InputError, match="the member 'x' is not where it should be"):
        archives.open_member(path, source)


def test_members_that_share_bytes_are_refused(tmp_path):
    path = write_zip(tmp_path / "study.zip", {"a": bytes(100_000), "b": bytes(100_000)})
    second = path.read_bytes().index(b"PK\x01\x02", directory_of(path) + 4)
    poke(path, second + 42, struct.pack("<I", 0))
    with pytest.raises(InputError, match=r"the member 'b' shares its bytes with another one"):
        names(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_archive_is_refused(share, tmp_path):
    path = write_zip(tmp_path / "study.zip", {str(k): random.Random(k).randbytes(3000) for k in range(5)})
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"^study\.zip is a damaged or truncated ZIP archive$"):
        names(path)


def test_an_archive_gone_since_the_walk_is_refused(tmp_path):
    path = write_zip(tmp_path / "study.zip", {"x": b"x"})
    (source,) = walk_sources(path)
    path.unlink()
    with pytest.raises(InputError, match=r"^study\.zip cannot be opened: no such file or directory$"):
        source.open()
    with pytest.raises(InputError, match=r"^study\.zip cannot be opened: no such file or directory$"):
        archives.read_members(path)


def test_archives_and_links_inside_an_archive_are_left_out_with_a_word(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    inner = write_zip(tmp_path / "inner.zip", {"x": b"x"}).read_bytes()
    path = tmp_path / "study.zip"
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/inner.zip", inner)
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a/x", b"x")
    assert names(path) == ["a/x"]
    assert "left out: inner.zip is an archive inside an archive" in caplog.text
    assert "left out: link.dcm is a link inside an archive" in caplog.text


def test_any_changed_byte_of_an_archive_gives_the_same_data_or_a_refusal(tmp_path):
    members = {"a/1": b"one" * 50, "a/2": random.Random(1).randbytes(90)}
    good = write_zip(tmp_path / "good.zip", members).read_bytes()
    path = tmp_path / "study.zip"
    refused = 0
    for position in range(len(good)):
        for value in (0, 0xFF, good[position] ^ 1, good[position] ^ 0x80):
            path.write_bytes(good[:position] + bytes([value]) + good[position + 1 :])
            try:
                found = read_all(path)
            except InputError:
                refused += 1
            else:
                assert set(found.values()) <= {*members.values(), path.read_bytes()}
    assert refused > len(good)


# --- identity ---


def test_the_identity_is_the_digest_of_sorted_digests(tree):
    digests = sorted(hashlib.sha256(TREE[name]).digest() for name in LISTED)
    expected = {"sha256": hashlib.sha256(b"".join(digests)).hexdigest(), "files": 5}
    assert sources_identity(walk_sources(tree)) == expected
    assert sources_identity(reversed(list(walk_sources(tree)))) == expected


def test_the_identity_follows_the_bytes_not_the_names(tree):
    before = sources_identity(walk_sources(tree))
    (tree / "a.dcm").rename(tree / "z.dcm")
    assert sources_identity(walk_sources(tree)) == before
    (tree / "z.dcm").write_bytes(b"a" * 99_999 + b"b")
    assert sources_identity(walk_sources(tree)) != before


@pytest.mark.parametrize("packed", [False, True])
def test_asking_for_gigabytes_takes_no_memory(packed, tree, tmp_path):
    path = write_zip(tmp_path / "study.zip", {"a.dcm": b"a" * 100_000}) if packed else tree / "a.dcm"
    (source,) = walk_sources(path)
    tracemalloc.start()
    with source.open() as file:
        assert file.read(2**40) == b"a" * 100_000
        assert file.read(2**40) == b""
        file.seek(2**41)
        assert file.read(2**40) == b""
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts handles the way Linux lists them")
def test_handles_are_closed(tree, tmp_path):
    path = write_zip(tmp_path / "study.zip", TREE)
    (source, *_) = walk_sources(path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with source.open() as file:
            file.read(1)
        assert file.closed
    after = len(list(Path("/proc/self/fd").iterdir()))
    assert after == before
