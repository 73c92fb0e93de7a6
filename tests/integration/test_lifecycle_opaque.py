# SPDX-License-Identifier: Apache-2.0
"""The life cycle while the register's key is away: the machine's state is not an approved one."""

import pytest
from conftest import Sandbox
from lifecycle import ADMIN, AUDITOR, KEEPER, OTHER, REVIEWER, Life, dictionary
from test_main_job import approve_now


@pytest.fixture
def closed(new_sandbox):
    """Three active seals and an open request about each of two; the daemon started in another state."""
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY")
    life = Life(box, "dual")
    life.numbers = [life.seal(f"Seal {i}") for i in range(3)]
    life.requests = [life.apply(life.numbers[0], "transfer", ("keeper", "s", f"user:{OTHER}")),
                     life.apply(life.numbers[1], "revoke")]
    box.ctl("stop")
    box.pcr_extend(7)
    box.ctl("start")
    assert box.manager_property("State") == "unapproved"
    assert life.describe(life.numbers[0])["opaque"] is True
    return life


def approved(life):
    data, error = approve_now(life.box)
    assert data is not None, error
    assert life.box.manager_property("State") == "ready"


def test_seal_is_suspended_surrendered_and_revoked_without_the_key(closed):
    life, (first, second, third) = closed, closed.numbers
    life.do(first, "Suspend", "s", "at once", user=KEEPER)
    life.do(second, "Surrender", "s", "at once", user=KEEPER)
    life.do(third, "Revoke", "s", "at once", user=ADMIN)
    assert [life.state(n) for n in (first, second, third)] == ["suspended", "surrendered", "revoked"]
    assert life.told(life.box.manager("SuspendSeals", "a{sv}s", 0, "all")) == [0]
    assert life.describe(first)["name"] == "Seal 0"
    approved(life)
    life.do(first, "Resume", "s", "approved again")
    assert life.signs(first) and life.sign_error(third) == "Revoked"
    assert life.describe(first)["opaque"] is False


def test_what_needs_the_key_says_so_and_nothing_has_happened(closed):
    life, (first, second, third) = closed, closed.numbers
    transfer, revoke = closed.requests
    life.do(third, "Revoke", "s", "at once", user=ADMIN)
    assert life.refused(third, "Destroy", "s", "gone") == "MachineStateRefused"
    assert life.refused_approval(transfer) == "MachineStateRefused"
    assert life.refused_approval(revoke) == "MachineStateRefused"
    words = dictionary(("reason", "s", "why"))
    assert life.refused(first, "Apply", "sa{sv}", "revoke", *words) == "MachineStateRefused"
    assert life.sign_error(first) == "MachineStateRefused"
    assert (life.state(first), life.state(second), life.state(third)) == ("active", "active", "revoked")
    assert life.request(transfer, "State") == "applied" and life.request(transfer, "Missing") == 1
    approved(life)
    life.approve(transfer)
    life.approve(revoke)
    life.do(third, "Destroy", "s", "gone")
    assert (life.state(first), life.state(second)) == ("delivered", "revoked")
    assert life.state(third, AUDITOR) == "destroyed"


def test_request_is_cancelled_and_expires_without_the_key(closed):
    life, (transfer, revoke) = closed, closed.requests
    life.told(life.box.request(transfer, "Cancel", "s", "not now"))
    assert life.request(transfer, "State") == "cancelled"
    life.box.restart_ahead("--days 31")
    watch = life.box.watch(REVIEWER)
    while life.request(revoke, "State") != "expired":
        watch.signal("Changed")
    watch.kill()
