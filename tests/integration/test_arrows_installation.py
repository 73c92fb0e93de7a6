# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every arrow: Initialize, ExtendCapacity, the makers and the register's key."""

import concurrent.futures
import time

import pytest
from arrows import PASSPHRASE, Mode, arrows_of, at, check_register_knows_the_chip, dying, look, make_active, wipe
from certificates import certificates, lists, maker_certificates, openssl_verify
from tampering import rows, verify
from test_maker import wait_for_makers

pytestmark = pytest.mark.xdist_group("test_arrows")  # see test_arrows_listed.py

# --- Initialize -----------------------------------------------------------------------------------


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


# --- ExtendCapacity -------------------------------------------------------------------------------


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


# --- the makers -----------------------------------------------------------------------------------


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
