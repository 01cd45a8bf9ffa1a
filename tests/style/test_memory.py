"""What the machine and its containers leave."""

import mmap
import os
import resource
import subprocess
import sys

import pytest

from nnbasics.style import memory


def test_what_this_process_has_is_what_the_system_says():
    with mmap.mmap(-1, 40_000_000) as block:
        block.write(b"x" * len(block))
        with_it = memory.resident()
    assert 30e6 < with_it - memory.resident() < 90e6
    assert with_it - 1e6 <= memory.peak() <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_the_peak_is_that_of_this_process_not_of_the_one_that_started_it():
    code = "from nnbasics.style import memory; print(memory.peak())"
    with mmap.mmap(-1, 400_000_000) as block:
        block.write(b"x" * len(block))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert int(done.stdout) < 350e6


def test_the_machine_has_something_left_and_no_more_than_it_has():
    assert 0 <= memory.available() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def group(folder, limit, used, cache, names=("memory.max", "memory.current", "inactive_file")):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {cache}\n")


def left(tmp_path, lines):
    (tmp_path / "groups").write_text(lines)
    found = list(memory._containers(tmp_path / "fs", tmp_path / "groups"))
    return [number for number in found if number is not None]


def test_a_container_of_version_2_and_those_around_it(tmp_path):
    group(tmp_path / "fs" / "pod" / "box", 3_000, 1_000, 200)
    group(tmp_path / "fs" / "pod", 9_000, 8_000, 0)
    group(tmp_path / "fs", "max", 8_000, 0)
    assert left(tmp_path, "0::/pod/box\n") == [2_200, 1_000]
    assert left(tmp_path, "0::/\n") == []


def test_a_container_of_version_1(tmp_path):
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    group(tmp_path / "fs" / "memory" / "box", 5_000, 1_000, 100, names)
    group(tmp_path / "fs" / "memory", 2**63 - 4096, 1_000, 100, names)
    assert left(tmp_path, "9:name=systemd:/\n4:cpu,memory:/box\n0::/\n") == [4_100]


def test_files_that_are_not_there_or_say_nonsense_limit_nothing(tmp_path):
    assert left(tmp_path, "0::/gone\n4:memory:/gone\n") == []
    group(tmp_path / "fs", "much", "x", 0)
    assert left(tmp_path, "0::/\n") == []


def test_ulimit_is_respected():
    code = (
        "import resource, nnbasics.style.memory as m;"
        "resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, 2 * 10**9)); print(1e9 < m.available() < 2e9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize(("number", "words"), [(480.4e6, "480 MB"), (3.94e9, "3.9 GB"), (999.7e6, "1.0 GB")])
def test_bytes_are_said_as_a_person_would(number, words):
    assert memory.shown(number) == words
