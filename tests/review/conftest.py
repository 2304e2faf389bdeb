"""The sample study, graded once, its folder of results, and a browser where there is one."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import foramgrade as fg
from foramgrade.exports import write_study
from foramgrade.tables import StudyAssessment
from foramgrade.volume import Volume

SAMPLE = Path(__file__).parents[2] / "sample_data"
#: What a header could hold: it must stay text wherever it is shown.
HOSTILE = "</script><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"


@pytest.fixture(scope="session")
def image() -> Volume:
    return fg.read_volume(SAMPLE / "lumbar_T1.nii.gz", sequence=fg.Sequence.T1)


@pytest.fixture(scope="session")
def study(image: Volume) -> StudyAssessment:
    labels = fg.read_labels(SAMPLE / "lumbar_labels.nii.gz", scheme="totalspineseg")
    found = fg.assess(image, labels, case="sample")
    first, *others = found.foramina
    return replace(found, foramina=(replace(first, reasons=(*first.reasons, HOSTILE)), *others))


@pytest.fixture(scope="session")
def results(image: Volume, study: StudyAssessment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    write_study(study, image.grid, folder, image=image, sheet=False, panels=False)
    return folder


@pytest.fixture(scope="session")
def cohort(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two studies as ``batch`` leaves them: a folder each."""
    folder = tmp_path_factory.mktemp("cohort")
    for name in ("one", "two"):
        (folder / "cases" / name).mkdir(parents=True)
        text = (results / "assessment.json").read_text(encoding="utf-8")
        renamed = text.replace('"case": "sample"', f'"case": "{name}"')
        assert renamed != text
        (folder / "cases" / name / "assessment.json").write_text(renamed, encoding="utf-8")
    shutil.copy(results / "film.json", folder / "cases" / "one")
    return folder


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def browser(downloads: Path) -> Iterator[object]:
    """Chromium without a window; it may reach no network, and its console must stay silent."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium and its driver are not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,1000"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium refuses root otherwise
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()
