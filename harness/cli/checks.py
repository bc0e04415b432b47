"""The commands doctor, selftest and loadgen: can the numbers be trusted?"""

from __future__ import annotations

import argparse

from harness.calibration import doctor
from harness.calibration.generator_comparison import WITNESS, agree, compare
from harness.calibration.reference_servers import Bench
from harness.calibration.self_test import selftest
from harness.cli.settings import configure
from harness.cli.terminal import Terminal
from harness.containers.builder import build_all, choose_set
from harness.containers.engine import connect, reach
from harness.containers.images import graph
from harness.containers.lifecycle import clean
from harness.host import machine
from harness.plan.placement import place
from harness.record.cpus import cpu_list


def examine(_options: argparse.Namespace, _terminal: Terminal) -> int:
    """Prints whether this machine can measure."""
    findings = doctor.examine(reach())
    for finding in findings:
        print(f"{finding.grade:<5} {finding.text}")
    return 4 if any(finding.grade == "bad" for finding in findings) else 0


def compare_generators(options: argparse.Namespace, terminal: Terminal) -> int:
    """Compares the load generator with public ones."""
    config = configure(options)
    client = connect(config.engine.install, terminal.say)
    clean(client)
    image_set = choose_set(config.engine.image_set, terminal.say)
    names = ("load-comparison", "database", WITNESS)
    made = build_all(client, graph(names, image_set), terminal.say)
    images = {name: made[name].id for name in names}
    status = compare(client, images["load-comparison"], cpu_list([cpu.number for cpu in machine.topology()]), print)
    placement = place(machine.topology(), config.run.service_cores)
    return max(status, agree(client, images, placement, config, print))


def self_test(options: argparse.Namespace, terminal: Terminal) -> int:
    """Injects known delays and loads, and measures them."""
    config = configure(options)
    client = connect(config.engine.install, terminal.say)
    clean(client)
    image = build_all(client, graph(("load",), choose_set(config.engine.image_set, terminal.say)), terminal.say)["load"]
    bench = Bench(image.id, place(machine.topology(), config.run.service_cores), config)
    return selftest(client, bench, terminal.say, print)
