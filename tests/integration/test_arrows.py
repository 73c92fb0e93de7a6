# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every arrow of sealsd/arrow.h, in every mode that passes it, and what the next start does.

A whole run under crash-daemon tells which arrows a mode passes and how often; then the daemon dies at
each, the first time and the last, and the plain daemon goes on with the same register and chip."""

import concurrent.futures
import json
import time

import pytest
from approving import ALICE, BOB, Uses, document
from arrows import (BORN, KEEPER, PAID, PASSPHRASE, Mode, Request, arrows_of, at, check_chip_without_broker,
                    check_register_knows_the_chip, dying, killed_at, listed_arrows, listed_seals, look,
                    make_active, newest_request, wipe)
from certificates import (certificates, entries, events, lists, maker_certificates, openssl_verify,
                          revocation_list, serial)
from lifecycle import OTHER, Life, blob_of, files_with
from tampering import check_acknowledged, check_found, rows, verify
from test_maker import wait_for_makers

pytestmark = pytest.mark.xdist_group("test_arrows")  # one worker: the last test knows of all before it

# --- Initialize ---------------------------------------------------------------------------------


def finish_initialize(mode):
    """From whatever the death has left: to a seal that signs."""
    box = mode.box
    check_register_knows_the_chip(box, look(box, "chip"))
    box.ctl("start")
    mode.go_on()
    make_active(box, mode.separation, "after initialization")
    box.ctl("stop")
    found = look(box, "chip")
    check_register_knows_the_chip(box, found)
    mode.check_escrow(found)
    assert found["chip"]["lockoutAuthSet"] == 1
    assert found["chip"]["handles"] and {i["written"] for i in found["indices"]} == {1}
    wipe(box)


MODES = {
    "external": ("external", "dual"),
    "external-answered": ("external", "single", "owner escrow", "answer"),
    "resident": ("resident", "dual"),
    "resident-escrow": ("resident", "single", "owner escrow"),
}


def initialize_and_die(mode, deaths):
    for arrow, nth in deaths:
        with at(arrow, nth):
            with dying(mode.box, arrow, nth):
                mode.report = mode.initialize()
            finish_initialize(mode)


@pytest.mark.parametrize("name", MODES)
def test_initialize_killed_at_each_arrow_is_brought_to_its_end(new_sandbox, name):
    modes = [Mode(new_sandbox(), *MODES[name]) for _ in range(2)]  # side by side, to be quicker
    for mode in modes:
        mode.box.ctl("stop")
    deaths = arrows_of(modes[0].box, modes[0].initialize, "init")
    wipe(modes[0].box)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(initialize_and_die, modes, (deaths[::2], deaths[1::2])))


def test_initialize_by_another_authority_killed_while_indices_are_replaced_is_brought_to_its_end(bare):
    bare.ok("install -d -m 1777 /run/test; openssl ecparam -name prime256v1 -genkey -noout "
            "-out /run/test/other.pem")
    first = Mode(bare, "external", "single")
    other = Mode(bare, "external", "single", key="/run/test/other.pem")
    for arrow, nth in (("init-index-removed", 1), ("init-index-defined", 1), ("init-index-removed", 3)):
        assert first.call()[0]
        bare.ctl("stop")
        with at(arrow, nth):
            with dying(bare, arrow, nth):
                other.initialize()
            finish_initialize(other)
        bare.ctl("start")


@pytest.mark.parametrize("nth", (1, 3))
def test_first_write_that_the_register_missed_killed_when_it_is_found_is_found_again(bare, nth):
    mode = Mode(bare, "external", "single", way="answer")
    bare.ctl("stop")
    with dying(bare, "init-index-written", nth):
        mode.initialize()
    with dying(bare, "init-write-found"):
        bare.manager("ListChallenges")
    finish_initialize(mode)


def new_lockout_auth(box, new, old=""):
    """As of another program. A wrong one is forgiven by the next TPM Reset, and not after 1000 s."""
    old = f"-p {old}" if old else ""
    box.ok(f"tpm2_changeauth -c lockout {old} {new}; tpm2_dictionarylockout -p {new} "
           "--setup-parameters --max-tries=3 --recovery-time=1000 --lockout-recovery-time=0")


def reset_tpm(box):
    box.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")


@pytest.mark.parametrize("arrow", ("init-lockout-refused", "init-lockout-forgotten"))
def test_kept_lockout_auth_that_is_refused_killed_before_it_is_forgotten_and_after(bare, arrow):
    """It was given to a first try, and has been changed since by another program."""
    mode = Mode(bare, "external", "single")
    new_lockout_auth(bare, "abc")
    assert mode.call(("lockout-auth", "s", "abc"))[0]
    bare.ctl("stop")
    new_lockout_auth(bare, "xyz", "abc")
    with dying(bare, arrow):
        assert not mode.call()[0]
    [kept] = look(bare)["installation"]
    assert kept["lockout"] == (b"abc".hex() if arrow == "init-lockout-refused" else "")
    reset_tpm(bare)
    bare.ctl("start")
    report, error = mode.call()
    assert not report and ("Wrong" in error or "lockout-auth" in error), error
    reset_tpm(bare)
    report, error = mode.call(("lockout-auth", "s", "xyz"))
    assert report and report["lockout-auth"]["data"] == "taken", error
    assert mode.answer().status == 0
    bare.ok("tpm2_dictionarylockout -c -p xyz")
    make_active(bare, "single", "after all")


def test_wrong_lockout_auth_given_to_a_try_that_was_killed_is_not_tried_by_the_next(bare):
    """It used to be in the register before the chip was asked, and the next call used it again."""
    mode = Mode(bare, "external", "single")
    new_lockout_auth(bare, "abc")
    bare.ctl("stop")
    with dying(bare, "init-srk-made"):
        mode.call(("lockout-auth", "s", "wrong"))
    bare.ctl("start")
    report, error = mode.call()
    assert not report and "give it as the option lockout-auth" in error
    assert mode.call(("lockout-auth", "s", "abc"))[0]
    assert mode.answer().status == 0
    make_active(bare, "single", "after all")


def test_resident_authority_that_was_interrupted_offers_no_challenges_to_answer(bare):
    """It used to: with sessions of the chip, and for answers that Answer refuses."""
    mode = Mode(bare, "resident", "single")
    bare.ctl("stop")
    with dying(bare, "init-defined"):
        mode.initialize()
    bare.ctl("start")
    assert bare.error("/org/sealsd1", "Manager", "ListChallenges") == "InvalidState"
    assert mode.initialize()
    assert mode.state() == "ready"


# --- ExtendCapacity -----------------------------------------------------------------------------


class Extension:
    """From one index to three, by either authority, from whatever an interruption has left."""

    def __init__(self, box, resident):
        self.box, self.resident = box, resident

    def install(self):
        authority = "--authority $SEAL_AUTHORITY"
        if self.resident:
            self.box.write("passphrase", PASSPHRASE)
            authority = "--resident --passphrase-file /run/test/passphrase"
        self.box.ok(f"rm -f sealsd-authority.pem; sealctl init {authority} --separation single "
                    "--capacity 62")

    def call(self, seals=128):
        options = ["1", "passphrase", "s", PASSPHRASE] if self.resident else ["0"]
        return self.box.manager("ExtendCapacity", "ua{sv}", seals, *options)

    def answer(self):
        if not self.resident:
            self.box.run("sealctl authority answer --key $SEAL_AUTHORITY")

    def extend(self, seals=128):
        if self.call(seals)[0] is not None:
            self.answer()

    def status(self):
        return {key: value["data"] for key, value in self.box.manager("GetStatus")[0][0].items()}

    def finish(self):
        found = look(self.box, "chip")
        assert set(found["chip"]["handles"]) <= {i["handle"] for i in found["indices"]}
        self.box.ctl("start")
        status = self.status()
        assert status["state"] == "ready"
        make_active(self.box, "single", "made before it is complete")
        self.answer()  # what was defined can be answered; what was not is defined by another call
        missing = 62 + 128 - self.status()["capacity"]
        if missing:
            self.extend(missing)
        status = self.status()
        assert status["capacity"] == 62 + 128 and len(status["indices"]) == 3, status
        assert self.box.manager("ListChallenges")[0] == [[]]
        self.box.ctl("stop")
        found = look(self.box, "chip")
        assert {i["written"] for i in found["indices"]} == {1}
        assert set(found["chip"]["handles"]) == {i["handle"] for i in found["indices"]}


def wipe_and_install(extension):
    wipe(extension.box)
    extension.box.ctl("start")
    extension.install()
    extension.box.ctl("stop")


@pytest.mark.parametrize("resident", (False, True), ids=("external", "resident"))
def test_extension_killed_at_each_arrow_is_brought_to_its_end(bare, resident):
    extension = Extension(bare, resident)
    extension.install()
    bare.ctl("stop")
    for arrow, nth in arrows_of(bare, extension.extend, "(?:capacity|init)"):
        wipe_and_install(extension)
        with at(arrow, nth):
            with dying(bare, arrow, nth):
                extension.extend()
            extension.finish()


def test_extension_that_does_not_fit_killed_when_it_is_undone_leaves_nothing(bare):
    extension = Extension(bare, False)
    extension.install()
    bare.ok("while tpm2_nvdefine -s 2048; do :; done; while tpm2_nvdefine -s 8; do :; done")
    bare.ctl("stop")
    before = look(bare, "chip")
    with dying(bare, "capacity-undone"):
        assert extension.call()[0] is None
    assert look(bare, "chip")["indices"] == before["indices"]
    assert look(bare, "chip")["chip"] == before["chip"]
    bare.ctl("start")
    assert bare.error("/org/sealsd1", "Manager", "ExtendCapacity", "ua{sv}", "1", "0") == "TpmFull"


# --- Make ---------------------------------------------------------------------------------------

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


@pytest.fixture
def installed(bare):
    """Initialized in the separation asked for, the daemon stopped; its chip is looked at in the end."""

    def install(separation):
        bare.ok(f"sealctl init --authority $SEAL_AUTHORITY --separation {separation}")
        bare.ctl("stop")
        return bare

    yield install
    check_chip_without_broker(bare)


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


# --- Revoke -------------------------------------------------------------------------------------


def attack(box, number):
    """What the chip says to root with the register of before the revocation."""
    return box.run(["attacker", "sign", "/run/before", number]).stdout.strip()


def prepare_revocation(box, number):
    """The register of before, and a session of it that would sign; the daemon has stopped."""
    box.ok("rm -rf /run/before && cp -a $SEALSD_STATE /run/before")
    held = box.pipe(["attacker", "hold", "/run/before", number], env={"TSS2_LOG": "all+none"})
    assert held.line() == "prepared"
    return held


def sign_error(box, number):
    return box.error(f"/org/sealsd1/seal/{number}", "Seal", "Sign", "aya{sv}", "32", *["7"] * 32, "0",
                     user=KEEPER)


def finish_revoke(box, number, held):
    """From whatever the death has left: revoked, without anybody's asking."""
    box.ctl("start")
    assert sign_error(box, number) == "Revoked"
    assert box.seal_property(number, "State") == "revoked"
    box.ok(["/usr/bin/python3", "-c", PAID, number])
    assert attack(box, number) == "Revoked"
    held.write("sign\n")
    assert held.line() == "Busy"  # what the fence's TPM_RC_PCR_CHANGED is translated to
    assert held.wait() == 1
    assert sign_error(box, number) == "Revoked"
    box.ctl("stop")
    [row] = [s for s in look(box)["seals"] if s["number"] == number]
    assert (row["state"], row["revocation_pending"]) == ("revoked", 0)


def revocable(box, names, separation="single"):
    """Active seals; the daemon has stopped."""
    box.ctl("start")
    numbers = [make_active(box, separation, name) for name in names]
    box.ctl("stop")
    return numbers


@pytest.mark.parametrize("separation", BORN)
def test_revoke_killed_at_each_arrow_is_finished(installed, separation):
    box = installed(separation)
    [first] = revocable(box, ["first"], separation)
    arrows = arrows_of(box, lambda: box.seal(first, "Revoke", "s", "over"), "revoke")
    for (arrow, nth), number in zip(arrows, revocable(box, [f"{a} {n}" for a, n in arrows], separation)):
        held = prepare_revocation(box, number)
        with at(arrow, nth):
            with dying(box, arrow, nth):
                told, _error = box.seal(number, "Revoke", "s", "over", user="seal-admin")
            assert told is None or arrow == "revoke-replied"
            finish_revoke(box, number, held)


def test_revocation_owed_to_the_chip_killed_at_each_arrow_again_is_finished(installed):
    box = installed("single")
    arrows = ("revoke-bit-set", "revoke-fenced", "revoke-settled")
    for arrow, number in zip(arrows, revocable(box, arrows)):
        held = prepare_revocation(box, number)
        with at(arrow):
            with dying(box, "revoke-marked"):
                box.seal(number, "Revoke", "s", "over")
            assert attack(box, number) == "done"  # the bit is owed
            with dying(box, arrow):
                pass
            finish_revoke(box, number, held)


def test_revocation_found_in_the_chip_killed_at_each_arrow_is_finished(installed):
    """The register was put back: the daemon dies while it learns of the revocation."""
    box = installed("single")
    arrows = ("revoke-marked", "revoke-announced", "revoke-bit-set")
    for arrow, number in zip(arrows, revocable(box, arrows)):
        box.ok("rm -rf /run/before && cp -a $SEALSD_STATE /run/before")
        box.ctl("start")
        assert box.seal(number, "Revoke", "s", "over")[0] is not None
        box.ctl("stop")
        box.ok("rm -rf $SEALSD_STATE/* && cp -a /run/before/. $SEALSD_STATE/")
        with at(arrow):
            with dying(box, arrow):
                pass
            box.ctl("start")
            assert sign_error(box, number) == "Revoked"
            box.ok(["/usr/bin/python3", "-c", PAID, number])
            box.ctl("stop")
            look(box)


def wait_stopped(box):
    """Until the daemon is held (SIGSTOP)."""
    box.ok("pid=$($SEALSD_CTL pid); for i in $(seq 3000); do "
           "[[ $(ps -o state= $pid) != T ]] || exit 0; sleep 0.01; done; exit 1")


@pytest.mark.parametrize("arrow", ("revoke-bit-set", "revoke-fenced", "revoke-marked",
                                   "revoke-announced", "revoke-settled"))
def test_revoke_on_a_full_disk_killed_at_each_arrow_is_finished(installed, arrow):
    """The mark cannot be written before the bit is set, and catches up where there is room again."""
    box = installed("single")
    [number] = revocable(box, [arrow])
    held = prepare_revocation(box, number)
    box.ok("mount -t tmpfs -o size=600k,mode=0700 full $SEALSD_STATE && cp -a /run/before/. "
           "$SEALSD_STATE/ && chown -R sealsd:sealsd $SEALSD_STATE")
    with dying(box, arrow, hold="--hold revoke-bit-set"):
        assert box.sign(number, user=KEEPER)[0]  # what the journal has room for is used up after this
        box.ok("head -c 1M /dev/zero > $SEALSD_STATE/filler || true")
        revoke = box.start(["busctl", "call", "--timeout=60", "--", "org.sealsd1",
                            f"/org/sealsd1/seal/{number}", "org.sealsd1.Seal", "Revoke", "s", "over"])
        wait_stopped(box)
        box.ok("rm $SEALSD_STATE/filler && kill -CONT $($SEALSD_CTL pid)")
        assert box.finish(revoke).status != 0
    finish_revoke(box, number, held)


# --- the maker ----------------------------------------------------------------------------------


def check_makers(box, count=2):
    """Each has its key, its certificate and its list, once."""
    found = maker_certificates(box)
    assert len(found) == count and len(set(found)) == count
    deadline = time.monotonic() + 60
    while len(lists(box)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert [row["object"] for row in rows(box) if row["event"] == "maker-made"] == ["ecdsa-p256", "sm2"][:count]


def test_maker_killed_at_each_arrow_is_made_by_the_next_start(bare):
    mode = Mode(bare, "external", "single")
    bare.ctl("stop")
    deaths = arrows_of(bare, mode.initialize, "maker")
    assert {arrow for arrow, _nth in deaths} == {"maker-created", "maker-certified", "maker-kept"}
    wipe(bare)
    for arrow, nth in deaths:  # of the P-256 maker, of SM2's
        with at(arrow, nth):
            with dying(bare, arrow, nth):
                mode.initialize()
            look(bare)
            bare.ctl("start")
            wait_for_makers(bare)
            check_makers(bare)
            assert verify(bare)["good"]
            number = make_active(bare, "single", "by the new maker")
            assert openssl_verify(bare, certificates(bare, number), maker_certificates(bare)[:1])[0]
            bare.ctl("stop")
            wipe(bare)


def listed(box, number):
    return serial(box, certificates(box, number)[0]) in entries(box, revocation_list(box))


def test_list_killed_at_each_arrow_is_issued_by_the_next_start(installed):
    box = installed("single")
    [first] = revocable(box, ["first"])
    arrows = arrows_of(box, lambda: box.seal(first, "Revoke", "s", "over"), "crl")
    assert {arrow for arrow, _nth in arrows} == {"crl-signed", "crl-kept", "crl-filed"}
    for (arrow, nth), number in zip(arrows, revocable(box, [arrow for arrow, _nth in arrows])):
        with at(arrow, nth):
            with dying(box, arrow, nth):
                told, _error = box.seal(number, "Revoke", "s", "over")
            assert told is None
            look(box)
            box.ctl("start")
            box.ok("for i in $(seq 600); do sealctl --json inspect | grep -q crl-owed || exit 0; sleep 0.05; "
                   "done; exit 1")
            assert listed(box, number) and listed(box, first)
            assert box.run("cat $SEALSD_CRL/maker-ecdsa-p256.crl").bytes == revocation_list(box)
            assert box.seal(number, "Revoke", "s", "over")[0] is not None
            assert verify(box)["good"]
            box.ctl("stop")


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


# --- Lock ---------------------------------------------------------------------------------------


def start_locked_chip_anew(box):
    """The daemon is stopped after it."""
    box.ctl("stop")
    box.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")


def finish_lock(box, number, held):
    """From whatever the death has left: the daemon refuses at once, the next Lock does the rest."""
    box.ctl("start")
    assert box.manager_property("State") == "locked" and sign_error(box, number) == "Locked"
    known = json.loads(box.manager("ReadLedger", "a{sv}", 1, "event", "s", "locked")[0][0][-1])
    assert known["reason"] in ("fire", "found locked in the chip")
    assert box.manager("Lock", "s", "again")[0] is not None
    assert attack(box, number) == "Locked"
    held.write("sign\n")
    assert held.line() == "Busy"
    start_locked_chip_anew(box)
    look(box)
    box.ctl("start")
    assert box.manager_property("State") == "ready" and box.sign(number, user=KEEPER)[0]
    box.ctl("stop")


def test_lock_killed_at_each_arrow_is_finished_by_the_next(bare):
    """Of two indices, so that one death is between them."""
    bare.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --capacity 126")
    bare.ctl("stop")
    [number] = revocable(bare, ["first"])
    arrows = arrows_of(bare, lambda: bare.manager("Lock", "s", "fire"), "lock")
    assert ("lock-index-locked", 2) in arrows
    for arrow, nth in arrows:
        start_locked_chip_anew(bare)
        bare.ctl("start")  # the ledger knows of the end
        bare.ctl("stop")
        held = prepare_revocation(bare, number)
        with at(arrow, nth):
            with dying(bare, arrow, nth):
                told, _error = bare.manager("Lock", "s", "fire")
            assert told is None or arrow == "lock-replied"
            finish_lock(bare, number, held)


# --- Machine states -----------------------------------------------------------------------------


def test_retiring_killed_at_each_arrow_is_finished_by_the_next_start(bare):
    bare.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --machine-states")
    bare.ctl("stop")
    [number] = revocable(bare, ["first"])

    def newest():
        return max(row[0] for row in bare.manager("ListMachineStates")[0][0])

    arrows = arrows_of(bare, lambda: bare.manager("RetireMachineState", "ts", newest(), "old"), "retire")
    assert len(arrows) == 4
    for arrow, nth in arrows:
        bare.ctl("start")
        bare.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY")
        assert bare.sign(number, user=KEEPER)[0]
        bare.ctl("stop")
        held = prepare_revocation(bare, number)
        with at(arrow, nth):
            with dying(bare, arrow, nth):
                told, _error = bare.manager("RetireMachineState", "ts", newest(), "old")
            assert told is None or arrow == "retire-replied"
            bare.ctl("start")
            assert sign_error(bare, number) == "MachineStateRefused"
            bare.ok("for i in $(seq 600); do sealctl --json machine-state list | grep -q '\"retired\": 0' "
                    "|| exit 0; sleep 0.05; done; exit 1")
            held.write("sign\n")
            assert held.line() == "Busy"
            bare.ctl("stop")
            look(bare)


# --- Destroy ------------------------------------------------------------------------------------


def destroyable(box, separation, names):
    """Revoked seals and the records that have their keys; the daemon has stopped."""
    found = []
    for number in revocable(box, names, separation):
        box.ctl("start")
        assert box.seal(number, "Revoke", "s", "over", user="seal-admin")[0] is not None
        found.append((number, blob_of(box, number)))
        box.ctl("stop")
    return found


def finish_destroy(box, number, blob, go_on):
    """From whatever the death has left: destroyed, its key nowhere, its record whole."""
    box.ctl("start")
    state = box.seal_property(number, "State", "seal-auditor")
    if state != "destroyed":
        assert state == "revoked" and files_with(box, blob)
        go_on()
        assert box.seal_property(number, "State", "seal-auditor") == "destroyed"
    assert files_with(box, blob) == []
    assert json.loads(box.seal(number, "Describe", user="seal-auditor")[0][0])["public-key"]
    assert box.error(f"/org/sealsd1/seal/{number}", "Seal", "Describe", user=KEEPER) == "UnknownObject"
    box.ctl("stop")
    look(box)


@pytest.mark.parametrize("separation", BORN)
def test_destroy_killed_at_each_arrow_is_finished_or_can_be_done_again(installed, separation):
    box = installed(separation)
    [(first, _blob)] = destroyable(box, separation, ["first"])
    arrows = arrows_of(box, lambda: box.seal(first, "Destroy", "s", "gone"), "destroy")
    for (arrow, nth), (number, blob) in zip(arrows, destroyable(box, separation, [a for a, _n in arrows])):
        with at(arrow, nth):
            with dying(box, arrow, nth):
                told, _error = box.seal(number, "Destroy", "s", "gone")
            assert told is None or arrow == "destroy-replied"
            finish_destroy(box, number, blob, lambda: box.seal(number, "Destroy", "s", "gone"))


def test_destroy_by_request_killed_at_each_arrow_is_finished_with_its_request(installed):
    box = installed("dual")
    life = Life(box, "dual")
    [(first, _blob)] = destroyable(box, "dual", ["first"])
    box.ctl("start")
    request = life.apply(first, "destroy")
    box.ctl("stop")
    arrows = arrows_of(box, lambda: life.approve(request), "(?:decide|destroy)")
    for (arrow, nth), (number, blob) in zip(arrows, destroyable(box, "dual", [a for a, _n in arrows])):
        box.ctl("start")
        request = life.apply(number, "destroy")
        box.ctl("stop")
        with at(arrow, nth):
            with dying(box, arrow, nth):
                box.request(request, "Approve", "sa{sv}", "seen", 0, user="seal-reviewer")

            def go_on():
                state = life.request(request, "State")
                assert state == ("applied" if arrow == "decide-written" else "approved")
                life.told(life.box.request(request, "Make", user="seal-reviewer")
                          if state == "approved" else (life.approve(request), ""))

            finish_destroy(box, number, blob, go_on)
            box.ctl("start")
            assert life.request(request, "State") == "completed"
            box.ctl("stop")


# --- Transfer -----------------------------------------------------------------------------------


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


# --- Renew --------------------------------------------------------------------------------------


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


# --- PINs ---------------------------------------------------------------------------------------

PINS = ("4711", "0815")


def pin_calls(life, number):
    """Accept, and ChangePin: each a call, whether it is done, and what then signs."""
    def accept():
        return life.box.seal(number, "Accept", "a{sv}", 1, "new-pin", "s", PINS[0], user=KEEPER)

    def change():
        return life.box.seal(number, "ChangePin", "vv", "s", PINS[0], "s", PINS[1], user=KEEPER)

    def signs(pin):
        return life.box.seal(number, "Sign", "aya{sv}", 32, *[7] * 32, 1, "pin", "s", pin,
                             user=KEEPER)[0] is not None

    return accept, change, signs


def pin_seal(life, name):
    number = life.seal(name, ("pin", "b", "true"), accept=False)
    assert life.state(number) == "delivered"
    return number


@pytest.mark.parametrize("what", ("accept", "change"))
def test_pin_killed_at_each_arrow_is_set_or_can_be_set_again(installed, what):
    """Never a seal whose PIN nobody knows."""
    box = installed("dual")
    life = Life(box, "dual")

    def prepared(name):
        box.ctl("start")
        number = pin_seal(life, name)
        accept, change, signs = pin_calls(life, number)
        if what == "change":
            assert accept()[0] is not None
        blob = blob_of(box, number)
        box.ctl("stop")
        return number, (accept if what == "accept" else change), signs, blob

    _number, first, _signs, _blob = prepared("first")
    arrows = arrows_of(box, first, "pin")
    assert {a for a, _n in arrows} == {"pin-changed", "pin-kept", "pin-purged", "pin-announced", "pin-replied"}
    for arrow, nth in arrows:
        number, call, signs, blob = prepared(arrow)
        with at(arrow, nth):
            with dying(box, arrow, nth):
                told, _error = call()
            assert told is None or arrow == "pin-replied"
            look(box)
            box.ctl("start")
            if arrow == "pin-changed":  # as if nothing had been
                assert life.state(number) == ("delivered" if what == "accept" else "active")
                assert what == "accept" or signs(PINS[0])
                assert files_with(box, blob)
                assert call()[0] is not None
            assert life.state(number) == "active"
            assert signs(PINS[0 if what == "accept" else 1])
            assert files_with(box, blob) == []
            box.ctl("stop")
    box.ctl("start")
    assert verify(box)["good"]
    box.ctl("stop")


# --- the ledger ---------------------------------------------------------------------------------


def finish_anchor(box, number):
    """From whatever the death has left: sound, anchored, signed by the chip, and it signs."""
    look(box)
    box.ctl("start")
    assert box.manager_property("State") == "ready"
    report = verify(box)
    assert report["good"], report
    assert report["checkpoint"] >= report["last"]
    assert box.sign(number)[0]
    box.ctl("stop")


def test_anchor_killed_at_each_arrow_is_finished(sandbox):
    number = sandbox["SEAL"]
    sandbox.ctl("stop")
    arrows = {arrow for arrow, _ in arrows_of(sandbox, lambda: sandbox.make_seal("Anchored"), "anchor")}
    assert arrows == {"anchor-written", "anchor-extended", "anchor-marked"}
    for arrow in sorted(arrows):  # how many there are is a matter of what falls together
        with at(arrow):
            with dying(sandbox, arrow):
                sandbox.run("sealctl apply --name Another --keeper user:root || true", "seal-applicant")
                sandbox.manager("VerifyLedger")
            finish_anchor(sandbox, number)


def test_acknowledgement_killed_before_the_chain_goes_on_is_asked_for_again(sandbox):
    sandbox.ctl("stop")
    sandbox.ok("cp -a $SEALSD_STATE /run/before")
    sandbox.ctl("start")
    sandbox.make_seal("Later")
    sandbox.ctl("stop")
    sandbox.ok("rm -rf $SEALSD_STATE/* && cp -a /run/before/. $SEALSD_STATE/")
    with dying(sandbox, "tampering-acknowledged"):
        sandbox.manager("AcknowledgeTampering", "sa{sv}", "the first time", 0)
    sandbox.ctl("start")
    check_found(sandbox, "chip")
    check_acknowledged(sandbox)


def test_register_key_killed_when_it_is_sealed_is_sealed_by_the_next_try(bare):
    bare.ctl("stop")
    mode = Mode(bare, "external", "dual")
    with dying(bare, "key-sealed"):
        mode.initialize()
    bare.ctl("start")
    mode.go_on()
    assert mode.state() == "ready"
    make_active(bare, "dual", "with the second key")
    assert bare.manager("GetStatus")[0][0]["key-memory"]["data"]


# An installation as it was before there was a ledger: the chip has the genesis, the register no key.
BEFORE_THE_LEDGER = """
DELETE FROM ledger; DELETE FROM guard; DELETE FROM anchor; DELETE FROM checkpoint;
UPDATE installation SET register_public = x'', register_private = x'';
"""


def test_register_from_before_the_ledger_is_adopted_and_its_key_survives_a_death(bare):
    bare.ctl("stop")
    mode = Mode(bare, "external", "dual")
    with dying(bare, "init-completed"):
        mode.initialize()
    bare.ok(["/usr/bin/python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])",
             bare["SEALSD_STATE"] + "/register.db", BEFORE_THE_LEDGER])
    with dying(bare, "key-kept"):
        pass
    bare.ctl("start")
    assert mode.state() == "ready"
    make_active(bare, "dual", "in the adopted register")
    assert rows(bare)[0]["event"] == "adopted"
    assert verify(bare)["good"]
    assert bare.manager("GetStatus")[0][0]["key-memory"]["data"]


# --- Collect of a use that approvers signed for --------------------------------------------------


def approved_use(uses, number, approvers, text):
    request = uses.request(number, document(text))
    uses.approve(request, *approvers)
    return request


def test_collection_killed_at_each_arrow_counts_one_use_and_gives_the_signature(installed):
    box = installed("dual")
    box.ctl("start")
    uses = Uses(Life(box, "dual"))
    approvers = uses.approvers(ALICE, BOB)
    number = uses.seal(approvers, 2)
    whole = approved_use(uses, number, approvers, "whole")
    box.ctl("stop")
    arrows = arrows_of(box, lambda: uses.collect(whole), "use")
    assert {arrow for arrow, _nth in arrows} == {name for name in listed_arrows() if name.startswith("use-")}
    for count, (arrow, nth) in enumerate(arrows, start=2):
        box.ctl("start")
        request = approved_use(uses, number, approvers, arrow)
        box.ctl("stop")
        with at(arrow, nth):
            with dying(box, arrow, nth):
                told, _error = box.request(request, "Collect", user=KEEPER)
            assert told is None or arrow == "use-replied"
            box.ctl("start")
            signature, use = uses.collect(request)
            assert box.verify(number, document(arrow), signature)
            assert told is None or (bytes(told[0]), told[1]) == (signature, use)
            assert use == uses.use_count(number) == count
            assert uses.collect(request) == (signature, use)
            assert [row["use"] for row in uses.events("use", number)] == list(range(1, count + 1))
            box.ctl("stop")
            look(box)


def test_use_that_the_chip_may_have_made_is_not_given_back_when_it_refuses_later(installed):
    box = installed("dual")
    box.ctl("start")
    uses = Uses(Life(box, "dual"))
    approvers = uses.approvers(ALICE)
    number = uses.seal(approvers, 1)
    request = approved_use(uses, number, approvers, "signed, and not kept")
    box.ctl("stop")
    with dying(box, "use-signed"):
        box.request(request, "Collect", user=KEEPER)
    box.ctl("start")
    box.pcr_extend(7)
    assert uses.refused(request, "Collect") == "MachineStateRefused"
    assert uses.use_count(number) == 1
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")
    signature, use = uses.collect(request)
    assert box.verify(number, document("signed, and not kept"), signature) and use == uses.use_count(number) == 1
    box.ctl("stop")


# --- all ----------------------------------------------------------------------------------------


def test_every_arrow_has_killed_the_daemon(request):
    """Those that are in the list and in no test, or not in the code any more, are told here."""
    of_file = {name for name in globals() if name.startswith("test_")}
    ran = {item.originalname for item in request.session.items if item.module is request.module}
    if of_file - ran:
        pytest.skip("only with all the other tests of this file")
    assert killed_at == listed_arrows()
