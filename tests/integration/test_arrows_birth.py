# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every arrow: Make, Renew, recertification and Transfer."""

import pytest
from arrows import (BORN, KEEPER, Request, arrows_of, at, dying, installed, listed_seals, look, make_active,
                    newest_request)
from certificates import certificates, events, maker_certificates, openssl_verify
from lifecycle import OTHER, Life

pytestmark = pytest.mark.xdist_group("test_arrows")  # see test_arrows_listed.py

# --- Make -----------------------------------------------------------------------------------------


def check_seal_is_whole_or_not_there(request, number):
    """And where it is not there, it can be made, with the same number."""
    box, state = request.box, request.property("State")
    if state != "completed":
        assert not request.told
        assert number not in listed_seals(box)
        assert box.error("/org/sealsd1", "Manager", "GetSeal", "s", number) == "NotFound"
        if state == "failed":
            assert "Make it again" in request.property("Error")
        request.go_on()
        assert request.property("State") == "completed"
    assert request.property("Seal") == number
    assert listed_seals(box)[number] == BORN[request.separation]


def check_nothing_is_used_twice(found):
    numbers = [r["number"] for r in found["requests"] if r["number"]]
    assert len(set(numbers)) == len(numbers), numbers
    used = {i["handle"]: i["used"] for i in found["indices"]}
    assert all(s["bit"] < used[s["nv_index"]] for s in found["seals"]), found


def finish_make(request):
    """From whatever the death has left: to a seal that signs, and another after it."""
    box, found = request.box, look(request.box)
    row = found["requests"][-1]
    request.id = row["id"]
    assert row["number"]  # there is no arrow before it is taken
    box.ctl("start")
    check_seal_is_whole_or_not_there(request, row["number"])
    assert request.accept() == row["number"]
    assert box.sign(row["number"], user=KEEPER)[0]
    assert make_active(box, request.separation, f"after {request.name}") != row["number"]
    box.ctl("stop")
    check_nothing_is_used_twice(look(box))


@pytest.mark.parametrize("separation", BORN)
def test_make_killed_at_each_arrow_leaves_a_whole_seal_or_none(installed, separation):
    box = installed(separation)
    arrows = arrows_of(box, Request(box, separation, "whole").walk, "make")
    for arrow, nth in arrows:
        request = Request(box, separation, arrow)
        with at(arrow, nth):
            with dying(box, arrow, nth):
                request.walk()
            finish_make(request)


def test_make_that_failed_killed_at_each_arrow_can_be_made_again(installed):
    box = installed("single")
    for arrow in ("make-undone", "make-failure-announced"):
        request = Request(box, "single", arrow)
        used = look(box)["indices"][0]["used"]
        with at(arrow):
            with dying(box, arrow):
                box.ok("$SEALSD_TPM_CTL stop")
                request.create()
                box.ok("$SEALSD_TPM_CTL start")
            before = look(box)
            assert before["requests"][-1]["state"] == "failed"
            box.ctl("start")
            request.go_on()
            request.id = newest_request(box)
            number = request.accept()
            assert number == before["requests"][-1]["number"]
            assert box.sign(number, user=KEEPER)[0]
            box.ctl("stop")
            found = look(box)
            check_nothing_is_used_twice(found)
            # The bit was given back: this key has it.
            assert found["indices"][0]["used"] == used + 1


@pytest.mark.parametrize("first", ("make-bit-taken", "make-key-created"))
def test_recovery_of_an_interrupted_make_killed_too_is_made_again(installed, first):
    box = installed("dual")
    request = Request(box, "dual", "interrupted twice")
    with dying(box, first):
        request.walk()
    assert look(box)["requests"][-1]["state"] == "making"
    with dying(box, "make-recovered"):
        pass
    assert look(box)["requests"][-1]["state"] == "failed"
    finish_make(request)


def test_bit_that_the_chip_has_set_killed_after_the_next_was_taken_is_not_used(installed):
    box = installed("single")
    box.ok("cp -a $SEALSD_STATE /run/before")
    box.ctl("start")
    number = make_active(box, "single", "of a register that is lost")
    assert box.seal(number, "Revoke", "s", "over")[0] is not None
    box.ctl("stop")
    box.ok("rm -rf $SEALSD_STATE/* && cp -a /run/before/. $SEALSD_STATE/")
    box.ctl("start")
    assert box.error("/org/sealsd1", "Manager", "CreateSeal", "a{sv}", "1", "name", "s",
                     "a number twice") == "RegisterTampered"
    assert box.manager("AcknowledgeTampering", "sa{sv}", "put back on purpose", 0)[0] is not None
    box.ctl("stop")
    request = Request(box, "single", "of the older register")
    with dying(box, "make-next-bit-taken"):
        request.create()
    taken = look(box)["indices"][0]["used"]
    finish_make(request)
    assert [s["bit"] for s in look(box)["seals"]] == [taken, taken + 1]


# --- Renew ----------------------------------------------------------------------------------------


def finish_renew(life, number, request):
    """From whatever the death has left: one new seal beside the old, which signs until it is accepted."""
    box = life.box
    box.ctl("start")
    state = life.request(request, "State")
    if life.separation != "single" or state != "completed":
        assert life.signs(number)
    if state != "completed":
        assert box.seal_property(number, "ReplacedBy") == ""
        if state == "applied":
            life.approve(request)
        if life.request(request, "State") != "completed":
            user = {"strict": "seal-maker", "dual": "seal-reviewer", "single": None}[life.separation]
            life.told(box.request(request, "Make", user=user))
    new = life.request(request, "Seal")
    assert box.seal_property(number, "ReplacedBy") == new
    assert [n for n, s in listed_seals(box).items() if box.seal_property(n, "Replaces") == number] == [new]
    life.hand_out(new, KEEPER)
    assert life.signs(new) and life.sign_error(number) == "Superseded"
    box.ctl("stop")
    check_nothing_is_used_twice(look(box))


@pytest.mark.parametrize("separation", BORN)
def test_renew_killed_at_each_arrow_is_whole_or_can_be_made_again(installed, separation):
    box = installed(separation)
    life = Life(box, separation)

    def applied(name):
        box.ctl("start")
        number = make_active(box, separation, name)
        request = life.apply(number, "renew")
        box.ctl("stop")
        return number, request

    def carry_out(request):
        user = {"strict": "seal-reviewer", "dual": "seal-reviewer", "single": None}[separation]
        box.request(request, "Approve", "sa{sv}", "seen", 0, user=user)
        if separation != "dual":
            box.request(request, "Make", user="seal-maker" if separation == "strict" else None)

    _number, request = applied("first")
    for arrow, nth in arrows_of(box, lambda: carry_out(request), "make"):
        number, request = applied(arrow)
        with at(arrow, nth):
            with dying(box, arrow, nth):
                carry_out(request)
            finish_renew(life, number, request)


def test_acceptance_of_a_renewal_killed_at_each_arrow_supersedes_with_it_or_not_at_all(installed):
    box = installed("dual")
    life = Life(box, "dual")

    def renewed(name):
        """The old and the new, the daemon stopped."""
        box.ctl("start")
        old = make_active(box, "dual", name)
        request = life.apply(old, "renew")
        life.approve(request)
        made = life.make(request)
        box.ctl("stop")
        return old, made

    _number, new = renewed("first")
    for arrow, nth in arrows_of(box, lambda: box.seal(new, "Accept", "a{sv}", 0, user=KEEPER), "custody"):
        number, new = renewed(arrow)
        with at(arrow, nth):
            with dying(box, arrow, nth):
                box.seal(new, "Accept", "a{sv}", 0, user=KEEPER)
            look(box)
            box.ctl("start")
            if arrow == "custody-written":
                assert life.state(new) == "delivered" and life.signs(number)
                life.do(new, "Accept", "a{sv}", 0, user=KEEPER)
            assert life.state(new) == "active" and life.signs(new)
            assert life.sign_error(number) == "Superseded"
            box.ctl("stop")


# --- recertification ------------------------------------------------------------------------------


def test_recertification_killed_at_each_arrow_is_whole_or_can_be_made_again(installed):
    box = installed("dual")
    life = Life(box, "dual")

    def applied(name):
        box.ctl("start")
        number = make_active(box, "dual", name)
        end = box.seal_property(number, "NotAfter") + 86400 * 1000000
        request = life.apply(number, "recertify", ("not-after", "t", end))
        box.ctl("stop")
        return number, request, end

    _number, request, _end = applied("first")
    arrows = arrows_of(box, lambda: life.approve(request), "(?:certify|decide)")
    assert {arrow for arrow, _nth in arrows} >= {"certify-signed", "certify-committed", "certify-announced",
                                                 "certify-replied"}
    for arrow, nth in arrows:
        number, request, end = applied(arrow)
        with at(arrow, nth):
            with dying(box, arrow, nth):
                box.request(request, "Approve", "sa{sv}", "seen", 0, user="seal-reviewer")
            look(box)
            box.ctl("start")
            state = life.request(request, "State")
            if state != "completed":
                assert box.seal_property(number, "NotAfter") == end - 86400 * 1000000
                assert len(events(box, "certificate-issued", number)) == 1
                if state == "applied":
                    life.approve(request)
                else:
                    life.told(box.request(request, "Make", user="seal-reviewer"))
            assert (life.request(request, "State"), box.seal_property(number, "NotAfter")) == ("completed", end)
            assert len(events(box, "certificate-issued", number)) == 2
            assert openssl_verify(box, certificates(box, number), maker_certificates(box)[:1])[0]
            assert life.signs(number)
            box.ctl("stop")


# --- Transfer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("separation", BORN)
def test_transfer_killed_at_each_arrow_is_whole_or_has_not_happened(installed, separation):
    box = installed(separation)
    life = Life(box, separation)

    def applied(name):
        number = make_active(box, separation, name)
        return number, life.apply(number, "transfer", ("keeper", "s", f"user:{OTHER}"))

    box.ctl("start")
    _number, request = applied("first")
    box.ctl("stop")
    for arrow, nth in arrows_of(box, lambda: life.approve(request), "decide"):
        box.ctl("start")
        number, request = applied(arrow)
        box.ctl("stop")
        with at(arrow, nth):
            with dying(box, arrow, nth):
                user = None if separation == "single" else "seal-reviewer"
                box.request(request, "Approve", "sa{sv}", "seen", 0, user=user)
            look(box)
            box.ctl("start")
            if arrow == "decide-written":
                assert (life.request(request, "State"), life.state(number)) == ("applied", "active")
                assert life.signs(number) and life.request(request, "Missing") == 1
                life.approve(request)
            assert (life.request(request, "State"), life.state(number)) == ("completed", "delivered")
            assert box.seal_property(number, "Keepers") == [f"user:{OTHER}"]
            life.do(number, "Accept", "a{sv}", 0, user=OTHER)
            assert life.signs(number, OTHER) and not life.signs(number)
            box.ctl("stop")
