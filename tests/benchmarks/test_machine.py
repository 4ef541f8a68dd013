"""What is known of the machine, and what is said where it is not."""

import os

from edgemnist.benchmarks.runner import machine
from edgemnist.benchmarks.runner.machine import describe_machine, installed_versions
from edgemnist.benchmarks.worker import conditions


def test_this_machine_has_a_name_cores_and_versions():
    found = describe_machine()
    assert found.cpu
    assert 1 <= found.cores <= (os.cpu_count() or 1)
    assert found.versions["numpy"]


def test_absent_packages_have_no_version():
    assert installed_versions(("numpy", "no-such-package")).keys() == {"numpy"}


def test_a_raspberry_pi_is_named_by_its_model(monkeypatch, tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nBogoMIPS\t: 108.00\n\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n")
    monkeypatch.setattr(machine, "_CPUINFO", cpuinfo)
    found = describe_machine()
    assert found.cpu == "Raspberry Pi 5 Model B Rev 1.0"
    assert found.virtual is None


def test_governor_and_frequency_are_read_where_the_system_tells(monkeypatch, tmp_path):
    (tmp_path / "scaling_governor").write_text("powersave\n")
    (tmp_path / "scaling_max_freq").write_text("2400000\n")
    monkeypatch.setattr(machine, "_CPUFREQ", tmp_path)
    found = describe_machine()
    assert (found.governor, found.max_frequency_khz) == ("powersave", 2_400_000)


def test_memory_is_not_known_without_proc(monkeypatch, tmp_path):
    monkeypatch.setattr(conditions, "_STATUS", tmp_path / "absent")
    assert conditions.resident_bytes() is None
    assert conditions.peak_resident_bytes() is None
    assert conditions.preemptions() is None


def test_memory_is_read_from_proc(monkeypatch, tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tx\nVmHWM:\t    2000 kB\nVmRSS:\t    1000 kB\nnonvoluntary_ctxt_switches:\t7\n")
    monkeypatch.setattr(conditions, "_STATUS", status)
    assert conditions.resident_bytes() == 1_024_000
    assert conditions.peak_resident_bytes() == 2_048_000
    assert conditions.preemptions() == 7
