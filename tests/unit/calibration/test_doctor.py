"""The doctor's findings from the kernel's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.calibration.doctor import settings

CPU = "sys/devices/system/cpu"
SWAPS = "Filename Type Size Used Priority\n"
QUIET = {
    f"{CPU}/cpu0/cpufreq/scaling_governor": "performance\n",
    f"{CPU}/cpu1/cpufreq/scaling_governor": "performance\n",
    f"{CPU}/cpufreq/boost": "0\n",
    f"{CPU}/smt/active": "0\n",
    "proc/swaps": SWAPS,
    "proc/loadavg": "0.08 0.50 3.00 1/200 4242\n",
}


def found(root: Path, files: dict[str, str]) -> dict[str, str]:
    """Text -> grade of all findings."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return {finding.text: finding.grade for finding in settings(root, cpus=2)}


def test_a_quiet_machine_is_good_in_all(tmp_path: Path) -> None:
    assert found(tmp_path, QUIET) == dict.fromkeys(
        (
            "CPU governor is performance", "turbo is off", "SMT is off", "swap is off",
            "load average of the last minute is 0.08 on 2 CPUs",
        ),
        "good",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (f"{CPU}/cpu1/cpufreq/scaling_governor", "powersave\n", "CPU governor is performance and powersave"),
        (f"{CPU}/cpufreq/boost", "1\n", "turbo is on"),
        (f"{CPU}/smt/active", "1\n", "SMT is on"),
        ("proc/swaps", SWAPS + "/dev/sda2 partition 8388604 0 -2\n", "swap is on"),
        ("proc/loadavg", "1.01 0.1 0.1 3/200 4242\n", "load average of the last minute is 1.01"),
    ],
)
def test_each_thing_that_makes_noise_is_named_alone(tmp_path: Path, name: str, text: str, says: str) -> None:
    noisy = [text for text, grade in found(tmp_path, QUIET | {name: text}).items() if grade == "noisy"]
    assert [text.startswith(says) for text in noisy] == [True]


@pytest.mark.parametrize(("no_turbo", "grade"), [("0", "noisy"), ("1", "good")])
def test_intels_driver_has_the_opposite_value(tmp_path: Path, no_turbo: str, grade: str) -> None:
    files = {name: text for name, text in QUIET.items() if "boost" not in name} | {f"{CPU}/intel_pstate/no_turbo": no_turbo}
    assert next(g for text, g in found(tmp_path, files).items() if text.startswith("turbo")) == grade


def test_what_the_kernel_does_not_say_is_no_noise(tmp_path: Path) -> None:
    findings = found(tmp_path, {})
    assert set(findings.values()) == {"good"}
    assert all("not visible here (a virtual machine?)" in text for text in findings)
    assert len(findings) == 5
