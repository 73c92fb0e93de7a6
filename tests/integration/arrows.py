# SPDX-License-Identifier: Apache-2.0
"""Deaths at the arrows of sealsd/arrow.h: where they are, how to die there, what is left then."""

import collections
import contextlib
import json
import os
import pathlib
import re
import subprocess

import pytest

from conftest import ROOT

KEEPER = "seal-keeper"
PASSPHRASE = "correct horse"
killed_at = set()  # by all tests so far

# The register and the chip as they are, the daemon being dead. The register is read from a copy, since
# opening it would tidy up what the next start has to.
LOOK = """
import json, os, re, shutil, sqlite3, subprocess, sys, tempfile

def rows(db, text):
    cursor = db.execute(text)
    return [dict(zip([c[0] for c in cursor.description], row)) for row in cursor]

def getcap(what):
    return subprocess.run(["tpm2_getcap", what], check=True, capture_output=True, text=True).stdout

def variable(text, name):
    return int(re.search(name + r":\\s+(\\w+)", text)[1], 0)

look = {}
with tempfile.TemporaryDirectory() as folder:
    shutil.copytree(os.environ["SEALSD_STATE"], folder, dirs_exist_ok=True)
    if os.path.exists(folder + "/register.db"):
        db = sqlite3.connect(folder + "/register.db")
        look["whole"] = rows(db, "PRAGMA integrity_check") + rows(db, "PRAGMA foreign_key_check")
        look["installation"] = rows(db, "SELECT phase, hex(lockout_auth) AS lockout,"
            " hex(owner_auth) AS owner, owner_auth_ours FROM installation")
        look["indices"] = rows(db, "SELECT handle, written, used FROM nv_index"
            " ORDER BY kind = 'ledger', ordinal")
        look["seals"] = rows(db, "SELECT number, state, nv_index, bit, revocation_pending FROM seal")
        look["requests"] = rows(db, "SELECT id, state, number, error FROM request")
        db.close()
if "chip" in sys.argv:
    text = getcap("properties-variable")
    look["chip"] = {name: variable(text, name) for name in
                    ("ownerAuthSet", "lockoutAuthSet", "inLockout", "TPM2_PT_LOCKOUT_COUNTER")}
    look["chip"]["handles"] = [int(h, 16) for h in re.findall("0x\\\\w+", getcap("handles-nv-index"))]
# tpm2-abrmd ends a dead client's sessions when it hears of its death.
for _ in range(500):
    look["sessions"] = getcap("handles-loaded-session") + getcap("handles-saved-session")
    if not look["sessions"].strip():
        break
print(json.dumps(look))
"""

# The running daemon's register: until it owes the chip nothing for this seal.
PAID = """
import os, sqlite3, sys, time
db = sqlite3.connect(f"file:{os.environ['SEALSD_STATE']}/register.db?mode=ro", uri=True)
for _ in range(3000):
    if db.execute("SELECT revocation_pending FROM seal WHERE number = ?", sys.argv[1:]).fetchone()[0] == 0:
        sys.exit(0)
    time.sleep(0.005)
sys.exit("still owed")
"""


def look(box, *more):
    """Whatever happened: the register is whole, and nothing is left in the chip. With "chip": what is
    set there, and that no authorisation was tried in vain."""
    found = json.loads(box.ok(["/usr/bin/python3", "-c", LOOK, *more]))
    assert found.get("whole") in (None, [{"integrity_check": "ok"}]), found["whole"]
    assert found["sessions"].strip() == "", found["sessions"]
    if "chip" in more:
        assert found["chip"]["inLockout"] == 0 and found["chip"]["TPM2_PT_LOCKOUT_COUNTER"] == 0, found
    bits = [(s["nv_index"], s["bit"]) for s in found.get("seals", [])]
    assert len(set(bits)) == len(bits), bits
    return found


def start_crashing(box, words=""):
    """How long the log was before. The daemon may die before it is ready."""
    done = box.run("wc -c <$SEALSD_LOG; $SEALSD_CTL start", env={"SEALSD_PROGRAM": f"crash-daemon {words}"})
    return int(done.stdout)


@contextlib.contextmanager
def dying(box, arrow, nth=1, hold=""):
    """In here the daemon is one that dies at the nth passage of the arrow; after it, it is dead."""
    mark = start_crashing(box, f"{hold} --arrow {arrow} --nth {nth}")
    yield
    log = box.ok(f"$SEALSD_CTL wait; tail -c +{mark + 1} $SEALSD_LOG").splitlines()
    assert f"killed at {arrow}" in log, log
    killed_at.add(arrow)


def arrows_of(box, operation, prefix):
    """[(arrow, nth)]: those that the operation passes, the first time and the last."""
    mark = start_crashing(box)
    operation()
    log = box.ok(f"$SEALSD_CTL stop; tail -c +{mark + 1} $SEALSD_LOG")
    passed = collections.Counter(re.findall(rf"^arrow ({prefix}-\S+)$", log, re.M))
    del passed["make-recovered"]  # passed at every start, and has a test of its own
    assert passed
    return [(arrow, nth) for arrow, count in passed.items() for nth in sorted({1, count})]


@contextlib.contextmanager
def at(arrow, nth=1):
    """A failure in here tells which death it was."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"killed at {arrow}, passage {nth}: {error}") from error


def check_chip_without_broker(box):
    """Nothing in the chip itself: tpm2-abrmd would show only what belongs to who asks."""
    box.ctl("stop")
    box.ok("pid=$(</run/sealsd-sandbox/abrmd.pid); kill $pid; "
           "timeout 30 tail --pid=$pid --sleep-interval=0.01 -f /dev/null")
    for what in ("transient", "loaded-session", "saved-session"):
        out = box.ok(f"tpm2_getcap -T swtpm:path=/run/sealsd-sandbox/tpm/socket handles-{what}")
        assert out.strip() == "", (what, out)


def listed_arrows():
    """All that the code has."""
    program = pathlib.Path(os.environ.get("SEALSD_BUILD", ROOT / "build")) / "tools/crash-daemon"
    listed = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout
    return {line.split("\t")[0] for line in listed.splitlines()}


# --- Initialize ---------------------------------------------------------------------------------


class Mode:
    """How to initialize, and how to go on after an interruption: `again` or, where it can, `answer`."""

    def __init__(self, box, authority, separation, further="", way="again", key="$SEAL_AUTHORITY"):
        self.box, self.authority, self.separation, self.way = box, authority, separation, way
        self.key, self.report = key, None
        self.escrow = "escrow" in further
        options = [("separation", "s", separation)]
        if authority == "external":
            options.append(("authority", "s", box.ok(f"openssl pkey -in {key} -pubout")))
        else:
            options.append(("passphrase", "s", PASSPHRASE))
        if "owner" in further:
            options.append(("set-owner-auth", "b", "true"))
        if self.escrow:
            options.append(("escrow", "s", new_escrow(box)))
        self.options = options

    def call(self, *more):
        """Initialize alone, with more options: (report or None, error text)."""
        options = [*self.options, *more]
        data, error = self.box.manager("Initialize", "a{sv}", len(options),
                                       *(word for option in options for word in option))
        return data and data[0], error

    def initialize(self):
        """To the end where the daemon lives on: the report, or None."""
        report, _error = self.call()
        if report and self.authority == "external":
            self.answer()
        return report

    def answer(self):
        return self.box.run(f"sealctl authority answer --key {self.key}")

    def state(self):
        return self.box.manager("GetStatus")[0][0]["state"]["data"]

    def go_on(self):
        """By the documented way, once the plain daemon has started."""
        if self.state() == "ready":
            return
        listed, error = self.box.manager("ListChallenges")
        if listed is None:
            assert "init" in error
        if listed == [[]]:  # nothing was missing but the last commit
            assert self.state() == "ready"
        elif self.way == "answer" and listed is not None:
            done = self.answer()
            assert done.status == 0, done
        else:
            self.report = self.initialize()
            assert self.report

    def check_escrow(self, found):
        """What the last report brought to the escrow's holder is what stands in the register."""
        if not self.escrow or not self.report:
            return
        done = self.box.ok("openssl cms -decrypt -inform DER -inkey /run/test/escrow.key",
                           data=bytes(self.report["escrowed"]["data"]))
        opened = dict(line.upper().split() for line in done.splitlines())
        [kept] = found["installation"]
        assert opened == {"LOCKOUT-AUTH": kept["lockout"], "OWNER-AUTH": kept["owner"]}


def new_escrow(box):
    box.ok("install -d -m 1777 /run/test; cd /run/test; openssl req -x509 -newkey rsa:2048 -nodes "
           "-keyout escrow.key -out escrow.pem -subj /CN=escrow -days 30")
    return box.ok("cat /run/test/escrow.pem")


def check_register_knows_the_chip(box, found):
    """What Initialize set in the chip was in the register before."""
    chip = found["chip"]
    [kept] = found.get("installation") or [{"lockout": "", "owner": ""}]
    if chip["lockoutAuthSet"]:
        box.ok(f"tpm2_dictionarylockout -c -p hex:{kept['lockout']}")
    if chip["ownerAuthSet"]:
        box.ok(f"tpm2_changeauth -c owner -p hex:{kept['owner']} hex:{kept['owner']}")
    assert set(chip["handles"]) <= {i["handle"] for i in found.get("indices", [])}


def wipe(box):
    """The chip and the register as they were before everything; the daemon has stopped."""
    box.ok("rm -rf $SEALSD_STATE/* && tpm2_clear -c p")


# --- Make ---------------------------------------------------------------------------------------

BORN = {"strict": "made", "dual": "delivered", "single": "active"}


class Request:
    """One seal's way into being, of which each step can be asked for again."""

    def __init__(self, box, separation, name):
        self.box, self.separation, self.name = box, separation, name
        self.id = self.number = self.told = self.error = None

    def apply(self):
        if self.separation == "single":
            return
        data, error = self.box.manager("Apply", "a{sv}", 2, "name", "s", self.name, "keepers", "as", 1,
                                       f"user:{KEEPER}", user="seal-applicant")
        assert data, error
        self.id = data[0].rsplit("/", 1)[1]

    def create(self):
        """Single: the token makes it the same seal, however often."""
        data, self.error = self.box.manager("CreateSeal", "a{sv}", 3, "name", "s", self.name, "token", "s",
                                            self.name, "keepers", "as", 1, f"user:{KEEPER}")
        self.take(data)

    def approve(self):
        data, self.error = self.box.request(self.id, "Approve", "sa{sv}", "seen", 0, user="seal-reviewer")
        self.told = self.separation == "dual" and data is not None

    def make(self):
        data, self.error = self.box.request(self.id, "Make", user=("seal-maker" if self.separation == "strict"
                                                                   else "seal-reviewer"))
        self.take(data)

    def take(self, data):
        self.told = bool(data)
        self.number = data[0].rsplit("/", 1)[1] if data else self.number

    def walk(self):
        """All steps, as far as the daemon lives."""
        self.apply()
        if self.separation == "single":
            self.create()
            return
        self.approve()
        if self.separation == "strict":
            self.make()

    def go_on(self):
        """After an interruption, what is left to do by the request's state."""
        if self.separation == "single":
            self.create()
        else:
            assert self.property("State") in ("approved", "failed")
            self.make()
        assert self.told, self.error

    def property(self, name):
        return self.box.property(f"/org/sealsd1/request/{self.id}", "Request", name)

    def accept(self):
        """To active: the number."""
        number = self.number or self.property("Seal")
        steps = {
            "strict": [("RecordFiling", ("a{sv}", 0), "seal-maker"),
                       ("Deliver", ("s", f"user:{KEEPER}"), None), ("Accept", ("a{sv}", 0), KEEPER)],
            "dual": [("Accept", ("a{sv}", 0), KEEPER)],
            "single": [],
        }
        for member, arguments, user in steps[self.separation]:
            data, error = self.box.seal(number, member, *arguments, user=user)
            assert data is not None, error
        return number


def make_active(box, separation, name):
    """A seal that signs, by the plain daemon: its number."""
    request = Request(box, separation, name)
    request.walk()
    assert request.told, request.error
    number = request.accept()
    signature, error = box.sign(number, user=KEEPER)
    assert signature, error
    return number


def newest_request(box):
    rows = box.manager("ListRequests", "a{sv}", 0)[0][0]
    return max((row[0].rsplit("/", 1)[1] for row in rows), key=int)


def listed_seals(box):
    return {row[0]: row[3] for row in box.manager("ListSeals", "a{sv}", 0)[0][0]}


# --- what several start from --------------------------------------------------------------------

@pytest.fixture
def installed(bare):
    """Initialized in the separation asked for, the daemon stopped; its chip is looked at in the end."""

    def install(separation):
        bare.ok(f"sealctl init --authority $SEAL_AUTHORITY --separation {separation}")
        bare.ctl("stop")
        return bare

    yield install
    check_chip_without_broker(bare)


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


def revocable(box, names, separation="single"):
    """Active seals; the daemon has stopped."""
    box.ctl("start")
    numbers = [make_active(box, separation, name) for name in names]
    box.ctl("stop")
    return numbers
