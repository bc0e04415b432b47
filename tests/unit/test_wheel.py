"""A wheel holds every package and data file, and its program runs outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from own_folder import write_service

from harness.files import ROOT

PACKAGES = ("harness", "reports", "loadtests")
DATA = (
    "harness/bases/*",
    "reports/templates/*",
    "reports/analysis/claims.toml",
    "loadtests/calibration/nginx.conf",
    "loadtests/calibration/null.crt",
    "loadtests/calibration/null.key",
    "loadtests/Dockerfile",
    "loadtests/requirements.lock",
)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a wheel, built from a copy of the checkout: building leaves folders behind."""
    copy, wheels, unpacked = (tmp_path_factory.mktemp(name) for name in ("tree", "wheels", "unpacked"))
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard",
         *PACKAGES, "services/contract", "services/database/statistics.sql", "pyproject.toml", "README.md", "LICENSE"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(copy)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_a_wheel_holds_every_package_and_data_file(unpacked: Path) -> None:
    packages = [path.parent for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")]
    modules = {path for package in packages for path in package.glob("*.py")}
    data = {path for pattern in DATA for path in ROOT.glob(pattern) if path.is_file()}
    assert len(packages) > len(PACKAGES) and len(data) > len(DATA)
    missing = {str(path.relative_to(ROOT)) for path in modules | data if not (unpacked / path.relative_to(ROOT)).is_file()}
    assert missing == set()


def test_the_program_of_a_wheel_shows_its_help(unpacked: Path, tmp_path: Path) -> None:
    script = (
        "import harness, sys\nfrom harness.cli.main import main\nprint(harness.__file__, file=sys.stderr)\nmain(['--help'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == str(unpacked / "harness" / "__init__.py"), "another copy was imported"
    assert "usage: fitmap" in done.stdout and "exit status:" in done.stdout


def test_the_program_of_a_wheel_measures_own_services_alone_with_paths_from_the_working_directory(
    unpacked: Path, tmp_path: Path
) -> None:
    """Installed, the contract lies under the prefix."""
    (data,) = unpacked.glob("*.data")
    prefix = data / "data"
    contract = prefix / "share" / "fitmap" / "contract"
    assert (contract.with_name("database") / "statistics.sql").is_file()
    assert {path.name for path in contract.iterdir()} == {path.name for path in (ROOT / "services/contract").iterdir()}
    write_service(tmp_path / "perf")
    script = (
        "import sys\nsys.prefix = sys.argv.pop(1)\n"
        "from harness.containers.images import graph\n"
        "print(len([name for _, name in graph(('load',), 'local')['load'].files if name.startswith('services/')]))\n"
        "from harness.cli.main import main\nmain(sys.argv[1:])"
    )
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    (tmp_path / "fitmap.toml").write_text('[run]\nservices = ["perf"]\npreset = "smoke"\n')
    command = [sys.executable, "-c", script, str(prefix), "plan"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert int(first) == len(list(contract.iterdir()))
    assert [line.split()[-1] for line in rest if line.startswith("  block")] == ["001-checkout-checkout"]
