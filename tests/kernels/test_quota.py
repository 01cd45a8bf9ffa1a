"""Quotas of processor time, read from files such as containers have."""

import math
import os

import pytest

from nnbasics.kernels import quota

CASES = {
    "no control groups at all": ({}, math.inf),
    "version 2, in a container": ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "100000 100000"}, 1),
    "a part of a processor": ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "150000 100000"}, 2),
    "version 2, without a limit": ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "max 100000"}, math.inf),
    "the least of a group and those above it": (
        {
            "proc/self/cgroup": "0::/user.slice/job.scope",
            "sys/fs/cgroup/user.slice/cpu.max": "400000 100000",
            "sys/fs/cgroup/user.slice/job.scope/cpu.max": "max 100000",
        },
        4,
    ),
    "version 1": (
        {
            "proc/self/cgroup": "12:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n0::/",
            "sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_quota_us": "250000",
            "sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_period_us": "100000",
        },
        3,
    ),
    "version 1, in a container that is told its name outside": (
        {
            "proc/self/cgroup": "4:cpu:/docker/ab",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
        2,
    ),
    "version 1, without a limit": (
        {
            "proc/self/cgroup": "4:cpu:/",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
        math.inf,
    ),
    "nonsense": ({"proc/self/cgroup": "hello", "sys/fs/cgroup/cpu.max": "many"}, math.inf),
}


@pytest.mark.parametrize("name", CASES)
def test_quota(name, tmp_path):
    contents, expected = CASES[name]
    for path, text in contents.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text + "\n")
    assert quota.quota(tmp_path) == expected


def test_never_more_than_the_affinity_and_never_none(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    for limit, expected in ((math.inf, 8), (2, 2), (0, 1)):
        monkeypatch.setattr(quota, "quota", lambda limit=limit: limit)
        assert quota.processors() == expected
