import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib
import pytest

import foramgrade.plotting
from foramgrade.errors import InputError
from foramgrade.plotting import plot_study, write_panel, write_sheet
from foramgrade.plotting.files import new_figure, write_figure

STARTS = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}
HOSTILE = {
    "font.family": "serif",
    "font.size": 30,
    "text.color": "red",
    "axes.facecolor": "red",
    "axes.edgecolor": "red",
    "axes.grid": True,
    "axes.linewidth": 9,
    "lines.linewidth": 9,
    "lines.marker": "x",
    "lines.linestyle": ":",
    "figure.facecolor": "black",
    "figure.autolayout": True,
    "image.origin": "upper",
    "image.cmap": "jet",
    "savefig.bbox": "tight",
    "savefig.facecolor": "black",
    "xtick.labelsize": 30,
    "xtick.direction": "in",
    "ytick.color": "red",
    "patch.linewidth": 7,
    "svg.fonttype": "none",
}


@pytest.mark.parametrize("ending", STARTS)
def test_written_twice_is_the_same_bytes(tmp_path, make_foramen, make_study, ending):
    for lee in (2, None):
        files = [write_panel(make_foramen(lee), tmp_path / f"panel{n}{ending}", case="c") for n in (1, 2)]
        assert files[0].read_bytes() == files[1].read_bytes()
        assert files[0].read_bytes().startswith(STARTS[ending])
    files = [write_sheet(make_study(2), tmp_path / f"sheet{n}{ending}") for n in (1, 2)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_another_process_with_another_hash_seed_writes_the_same_bytes(tmp_path):
    script = tmp_path / "draw.py"
    script.write_text(
        "import sys\n"
        "from foramgrade.findings import ForamenAssessment, Grade, Level, Policy, Quality, Side\n"
        "from foramgrade.plotting import write_panel\n"
        "grade = Grade(None, Policy.FLOOR, None, 'No section.')\n"
        "quality = Quality.NO_SECTION | Quality.CUT_BY_EDGE\n"
        "bare = ForamenAssessment(Level('L4', 'L5'), Side.LEFT, quality, (), grade)\n"
        "for ending in ('png', 'pdf', 'svg'):\n"
        "    write_panel(bare, f'{sys.argv[1]}.{ending}', case='c')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    source = str(Path(foramgrade.plotting.__file__).parents[2])
    sums = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": source}
        subprocess.run([sys.executable, "-W", "error", script, tmp_path / seed], env=environment, check=True)
        names = (tmp_path / f"{seed}.{ending}" for ending in ("png", "pdf", "svg"))
        sums.append([hashlib.sha256(name.read_bytes()).hexdigest() for name in names])
    assert sums[0] == sums[1]


def test_the_files_name_no_date(tmp_path, make_foramen):
    for ending in STARTS:
        content = write_panel(make_foramen(0), tmp_path / f"panel{ending}").read_bytes()
        assert b"CreationDate" not in content
        assert b"dc:date" not in content
        assert b"tIME" not in content


def test_the_style_of_the_user_changes_nothing(tmp_path, make_foramen, make_study):
    plain = [write_panel(make_foramen(1), tmp_path / "a.png"), write_sheet(make_study(1), tmp_path / "b.png")]
    with matplotlib.rc_context(HOSTILE):
        styled = [write_panel(make_foramen(1), tmp_path / "c.png"), write_sheet(make_study(1), tmp_path / "d.png")]
    assert [file.read_bytes() for file in plain] == [file.read_bytes() for file in styled]


def test_the_settings_of_the_user_are_left_as_they_were(tmp_path, make_foramen):
    before = dict(matplotlib.rcParams)
    write_panel(make_foramen(1), tmp_path / "a.svg")
    assert dict(matplotlib.rcParams) == before


def test_threads_write_what_one_thread_writes(tmp_path, make_foramen):
    foramina = [make_foramen(lee) for lee in (0, 1, 2, 3)]
    alone = [write_panel(f, tmp_path / f"alone{n}.svg").read_bytes() for n, f in enumerate(foramina)]
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda n: write_panel(foramina[n], tmp_path / f"thread{n}.svg"), range(4)))
    assert [file.read_bytes() for file in files] == alone


@pytest.mark.parametrize("name", ["panel.jpg", "panel", "panel.PNG.txt"])
def test_other_kinds_of_file_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=rf"written as \.png, \.pdf or \.svg, found the file name '{name}'"):
        write_figure(new_figure(1, 1, dpi=50), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_the_ending_may_be_in_capitals_and_the_path_a_string(tmp_path):
    file = write_figure(new_figure(1, 1, dpi=50), str(tmp_path / "A.PNG"))
    assert file.read_bytes().startswith(b"\x89PNG")


def test_a_missing_folder_is_reported_by_the_system(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_figure(new_figure(1, 1, dpi=50), tmp_path / "nowhere" / "a.png")


def test_figures_stay_usable_after_writing(tmp_path, make_study):
    figure = plot_study(make_study(1))
    first = write_figure(figure, tmp_path / "a.png").read_bytes()
    write_figure(figure, tmp_path / "a.pdf")
    assert write_figure(figure, tmp_path / "b.png").read_bytes() == first


def test_no_module_of_the_room_names_pyplot():
    for module in Path(foramgrade.plotting.__file__).parent.glob("*.py"):
        assert "pyplot" not in module.read_text()
