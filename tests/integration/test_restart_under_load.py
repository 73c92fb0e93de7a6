# SPDX-License-Identifier: Apache-2.0
"""The TPM and its resource manager go and come while clients sign: nobody is left without an answer."""

import json
import time

import pytest

pytestmark = pytest.mark.alone

CLIENT = """
import hashlib, json, select, sys, time
from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
path, name = sys.argv[1], sys.argv[2]
bus = open_dbus_connection("SYSTEM")
address = DBusAddress(path, bus_name="org.sealsd1", interface="org.sealsd1.Seal")
count = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    count += 1
    digest = hashlib.sha256(f"{name} {count}".encode()).digest()
    begin = time.monotonic()
    reply = bus.send_and_get_reply(new_method_call(address, "Sign", "aya{sv}", (digest, {})),
                                   timeout=60)
    took = time.monotonic() - begin
    if reply.header.message_type == MessageType.method_return:
        print(json.dumps(["ok", begin, took, digest.hex(), bytes(reply.body[0]).hex(), reply.body[1]]),
              flush=True)
    else:
        print(json.dumps([reply.header.fields[4].rsplit(".", 1)[1], begin, took, reply.body[0]]),
              flush=True)
print(json.dumps(["end", 0]), flush=True)
"""

CLIENTS = 4
ALLOWED = {"TpmUnavailable", "Busy", "Timeout", "QuotaExceeded"}
PATIENCE = 60  # seconds for what takes a few
LONGEST = 30  # seconds that an answer may take, the machine being slow

# The sandbox's own steps, for one part of what tpm-ctl does as a whole.
PARTS = ". /run/sealsd-sandbox/lib/common.sh; "


class Load:
    """Clients that sign one after the other until they are told to stop."""

    def __init__(self, box, seal):
        self.box, self.seal, self.answers = box, seal, []
        script = box.write("load.py", CLIENT)
        self.number = getattr(box, "loads", 0)
        box.loads = self.number + 1
        self.pipes = [box.pipe(["/usr/bin/python3", script, f"/org/sealsd1/seal/{seal}",
                                f"{self.number} {i}"]) for i in range(CLIENTS)]

    def take(self, pipe):
        answer = json.loads(pipe.line())
        if answer[0] != "end":
            self.answers.append(answer)
        return answer

    def until(self, good, count=5):
        """Until each client was given so many more answers that are good to calls made from now on."""
        now = time.monotonic()
        for pipe in self.pipes:
            got = 0
            while got < count:
                answer = self.take(pipe)
                got += answer[1] >= now and good(answer[0])
                assert time.monotonic() - now < PATIENCE, answer

    def signatures(self, count=5):
        self.until(lambda name: name == "ok", count)

    def stop(self):
        for pipe in self.pipes:
            pipe.write("\n")
        for pipe in self.pipes:
            while self.take(pipe)[0] != "end":
                pass
            assert pipe.wait() == 0

    def check(self, first_use=1):
        """The last use, when all answers were as they have to be."""
        signed = [answer for answer in self.answers if answer[0] == "ok"]
        refused = {answer[0]: answer[3] for answer in self.answers if answer[0] != "ok"}
        assert set(refused) <= ALLOWED, refused
        assert max(answer[2] for answer in self.answers) < LONGEST
        uses = [answer[5] for answer in signed]
        assert len(set(uses)) == len(uses) and min(uses) >= first_use
        key = self.box.write("key.der", bytes(self.box.seal_property(self.seal, "PublicKey")))
        pairs = "\n".join(f"{answer[3]} {answer[4]}" for answer in signed)
        assert self.box.ok(["verify-digests", key], data=pairs).strip() == str(len(signed))
        return max(uses)


def kill_broker(box):
    """Often, since what it had loaded stays in the chip: without --flush-all two are one too many."""
    for _ in range(4):
        box.ok(PARTS + "end_process abrmd KILL; start_abrmd; wait_abrmd")


def cut_power(box):
    box.ok("$SEALSD_TPM_CTL kill; $SEALSD_TPM_CTL start")


def switch_off_and_on(box):
    box.ok("$SEALSD_TPM_CTL stop; $SEALSD_TPM_CTL start")


def hold_up(process):
    def outage(box):
        box.ok(f"kill -STOP $(cat /run/sealsd-sandbox/{process}.pid); sleep 2;"
               f"kill -CONT $(cat /run/sealsd-sandbox/{process}.pid)")
    outage.__name__ = f"hold_up_{process}"
    return outage


OUTAGES = [kill_broker, cut_power, switch_off_and_on, hold_up("abrmd"), hold_up("swtpm")]


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda o: o.__name__)
def test_clients_sign_through_an_outage(shared, outage):
    box, seal = shared, shared["SEAL"]
    pid, before = box.ctl("pid"), box.seal_property(seal, "UseCount")
    load = Load(box, seal)
    load.signatures()
    outage(box)
    load.signatures()
    load.stop()
    last = load.check(before + 1)
    assert box.seal_property(seal, "UseCount") >= last
    assert box.manager_property("State") == "ready"
    assert box.ctl("pid") == pid
    assert box.sign(box.make_seal("After"))[1] == 1


@pytest.mark.parametrize("cut", ["kill", "stop"])
def test_revocation_in_an_outage_is_told_at_once_and_done_by_itself(shared, cut):
    """While others go on: the state follows the chip, and nobody has to ask for it."""
    box, seal = shared, shared["SEAL"]
    doomed = box.make_seal("Doomed")
    box.ok("rm -rf /run/before; $SEALSD_CTL stop; cp -a $SEALSD_STATE /run/before; $SEALSD_CTL start")
    watch = box.watch()
    pid = box.ctl("pid")
    load = Load(box, seal)
    load.signatures()
    box.ok(f"$SEALSD_TPM_CTL {cut}")
    load.until(lambda name: name == "TpmUnavailable")
    assert box.manager_property("State") == "no-tpm"
    assert box.error(f"/org/sealsd1/seal/{doomed}", "Seal", "Revoke", "s", "x") == "TpmUnavailable"
    assert box.seal_property(doomed, "State") == "revoked"
    assert box.error(f"/org/sealsd1/seal/{doomed}", "Seal", "Sign", "aya{sv}", "32", *["1"] * 32,
                     "0") == "Revoked"
    box.ok("$SEALSD_TPM_CTL start")
    load.signatures()
    box.ok("for i in $(seq 1000); do "
           f"[ \"$(attacker sign /run/before {doomed})\" = Revoked ] && exit 0; done; exit 1")
    load.signatures()
    load.stop()
    load.check()
    assert box.ctl("pid") == pid
    states = []
    while not states or states[-1] != "ready":
        kind, _id, state = watch.signal("Changed")["body"]
        if kind == "manager":
            states.append(state)
    assert states == ["no-tpm", "ready"]
    watch.kill()


def test_clients_sign_through_power_cuts_of_a_chip_without_a_broker(new_sandbox):
    box = new_sandbox("--ready", "--tcti", "swtpm")
    load = Load(box, box["SEAL"])
    for outage in (cut_power, switch_off_and_on, hold_up("swtpm"), cut_power):
        load.signatures()
        outage(box)
    load.signatures()
    load.stop()
    load.check()
    assert box.manager_property("State") == "ready"
    assert box.sign(box.make_seal("After"))[1] == 1
