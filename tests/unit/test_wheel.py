"""A wheel holds every package and data file, and its program runs outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.files import ROOT

PACKAGES = ("harness", "reports", "loadtests")
DATA = ("harness/bases/*", "reports/templates/*", "reports/analysis/claims.toml", "loadtests/calibration/nginx.conf")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a wheel, built from a copy of the checkout: building leaves folders behind."""
    copy, wheels, unpacked = (tmp_path_factory.mktemp(name) for name in ("tree", "wheels", "unpacked"))
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard",
         *PACKAGES, "pyproject.toml", "README.md", "LICENSE"],
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
