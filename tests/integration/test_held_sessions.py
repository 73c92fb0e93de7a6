# SPDX-License-Identifier: Apache-2.0
"""Sessions that the chip holds between two calls: challenges of an extension, and live uses beside them."""

import pytest
from approving import ALICE, BOB, LIVE, document, opened
from conftest import Sandbox
from lifecycle import KEEPER, OTHER
from test_capacity import extend, status


def crowd(*options):
    uses = opened(Sandbox(*options), "--capacity 62")
    uses.number = uses.seal(uses.approvers(ALICE, BOB), 2)
    uses.life.do(uses.number, "AddGrant", "sa{sv}", f"user:{OTHER}", 0, user=KEEPER)
    uses.plain = uses.life.seal("Plain")
    return uses


@pytest.fixture
def alone():
    """A chip of our own: three sessions, of which a signature takes two."""
    uses = crowd("--tcti", "swtpm")
    yield uses
    assert uses.box.close() == 0


@pytest.fixture
def behind():
    uses = crowd()
    yield uses
    assert uses.box.close() == 0


def offered(uses):
    data, error = uses.box.manager("ListChallenges")
    assert data is not None, error
    return len(data[0])


def crowded(uses):
    """What ListChallenges says when it can offer nothing."""
    data, error = uses.box.manager("ListChallenges")
    assert data is None
    return error


def test_signature_finds_no_chip_that_is_full_of_challenges(alone):
    assert extend(alone.box, 100)[0] == []
    assert offered(alone) == 1
    assert alone.life.signs(alone.plain)
    assert alone.refused_request(alone.number, document("beside it"), LIVE) == "Busy"
    alone.box.ok("sealctl authority answer --key $SEAL_AUTHORITY")
    assert offered(alone) == 0 and status(alone.box)["capacity"] == 62 + 128
    assert alone.request(alone.number, document("after it"), LIVE)
    assert alone.life.signs(alone.plain)


def test_signature_finds_no_chip_that_is_full_of_a_live_use_and_a_challenge(alone):
    request = alone.request(alone.number, document("held"), LIVE)
    data, error = extend(alone.box, 1)
    assert data == [], error
    error = crowded(alone)
    assert "live uses hold the sessions" in error
    assert [status(alone.box)[key] for key in ("challenges", "live-uses")] == [0, 1]
    assert "Live uses that wait" in alone.box.ok("sealctl status")
    assert alone.life.signs(alone.plain)
    alone.cancel(request)
    assert offered(alone) == 1
    assert [status(alone.box)[key] for key in ("challenges", "live-uses")][1] == 0
    assert alone.life.signs(alone.plain)


def test_chip_of_our_own_has_one_session_and_a_line_before_it(alone):
    held = alone.request(alone.number, document("held"), LIVE)
    assert alone.refused_request(alone.number, document("next"), LIVE, user=OTHER) == "Busy"
    alone.cancel(held)
    assert alone.refused_request(alone.number, document("again"), LIVE) == "Busy"
    assert alone.request(alone.number, document("next"), LIVE, user=OTHER)


def test_live_uses_do_not_keep_the_authority_from_its_challenge_for_ever(behind):
    held = [behind.request(behind.number, document(user), LIVE, user=user) for user in (KEEPER, OTHER)]
    assert extend(behind.box, 1)[0] == []
    assert "live uses hold the sessions" in crowded(behind)
    behind.cancel(held[0])
    # The place is the authority's now, and not for whoever asks first.
    assert behind.refused_request(behind.number, document("again"), LIVE) == "Busy"
    assert offered(behind) == 1 and behind.life.signs(behind.plain)
    behind.box.ok("sealctl authority answer --key $SEAL_AUTHORITY")
    assert status(behind.box)["capacity"] == 62 + 64
    assert behind.request(behind.number, document("again"), LIVE)
