# SPDX-License-Identifier: Apache-2.0
"""What a large register costs: no more than a small one, but for what looks at all of it. By the short form
of `make bench-register`, two registers within one run, since times alone say more of the machine."""

import json

import pytest
from conftest import ROOT

SMALL, LARGE = 100, 2000
# Of calls that look at a page or at one seal: noise, and a few pages more of an index to go through.
FACTOR, FLOOR = 4, 0.005
CONSTANT = ("list 100", "list by state", "list by keeper", "get", "describe", "status", "start")


def measure(box, seals):
    out = box.ok(["/usr/bin/python3", ROOT / "bench/register.py", "--one-key", seals], timeout=600)
    return json.loads(out.splitlines()[-1])


@pytest.mark.alone
def test_a_large_register_is_as_quick_as_a_small_one(new_sandbox):
    small, large = measure(new_sandbox(), SMALL), measure(new_sandbox(), LARGE)
    assert (small["seals"], large["seals"]) == (SMALL, LARGE)
    slow = {key: (small[key], large[key]) for key in CONSTANT
            if large[key] > FACTOR * max(small[key], FLOOR)}
    assert not slow
    # What reads all of it takes its time for each, and no more.
    rows = large["rows"] / small["rows"]
    assert large["verify"] < 3 * rows * max(small["verify"], 0.02)
    assert large["breaks"] == 0 and large["rows"] > 10 * LARGE
    assert large["memory"] < small["memory"] + 8 * 1024  # KiB: nothing is kept for each
