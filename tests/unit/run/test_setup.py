"""What a run says before it measures."""

from __future__ import annotations

import pytest

from harness.record.config import GeneratorSection
from harness.run.setup import open_port_warning


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_a_master_that_only_this_machine_reaches_needs_no_warning(address: str) -> None:
    assert open_port_warning(GeneratorSection(address)) == ""


@pytest.mark.parametrize("address", ["0.0.0.0", "10.1.2.3", "bench-1.example.org"])
def test_a_master_that_others_reach_admits_anyone_and_says_so(address: str) -> None:
    assert open_port_warning(GeneratorSection(address, port=15557)).startswith(
        f"WARNING: [generator] address is {address}. Whoever reaches port 15557 there can join the load as a worker"
    )
