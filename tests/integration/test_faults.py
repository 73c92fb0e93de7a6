# SPDX-License-Identifier: Apache-2.0
"""Floods by strangers, a full disk, a broker that comes and goes: what the daemon does then."""

import json

STRANGER = "seal-stranger"

FLOOD_FDS = """
import os, sys
from jeepney import DBusAddress, HeaderFields, MessageFlag, new_method_call
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection("SYSTEM", enable_fds=True)
address = DBusAddress("/org/sealsd1", bus_name="org.sealsd1", interface="org.sealsd1.Manager")
fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(16)]
for i in range(int(sys.argv[1])):
    options = {str(n): ("h", fd) for n, fd in enumerate(fds)}
    message = new_method_call(address, "ListSeals", "a{sv}", (options,))
    message.header.flags |= MessageFlag.no_reply_expected
    bus.send_message(message)
print("sent")
"""

CHURN = """
import sys
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
address = DBusAddress("/org/sealsd1", bus_name="org.sealsd1", interface="org.sealsd1.Manager")
for i in range(int(sys.argv[1])):
    with open_dbus_connection("SYSTEM") as bus:
        bus.send_and_get_reply(new_method_call(address, "ListSeals", "a{sv}", ({},)), timeout=60)
print("done")
"""


def test_flood_of_file_descriptors_by_a_stranger_leaves_the_daemon_on_the_bus(sandbox):
    """It used to lose its connection: a blocking question read all of it in, ahead of the answer."""
    pid = sandbox.ctl("pid").strip()
    flood, churn = sandbox.write("flood.py", FLOOD_FDS), sandbox.write("churn.py", CHURN)
    running = [sandbox.start(["/usr/bin/python3", flood, "1500"], STRANGER),
               sandbox.start(["/usr/bin/python3", churn, "300"], "seal-keeper"),
               sandbox.start(["/usr/bin/python3", churn, "300"], STRANGER)]
    most = 0
    while not sandbox.inboxes[running[1]].qsize():
        most = max(most, int(sandbox.ok(f"ls /proc/{pid}/fd | wc -l")))
    for number in running:
        done = sandbox.finish(number)
        assert done.status == 0, done
    assert most < 256, most
    assert sandbox.ctl("pid").strip() == pid
    assert sandbox.sign(sandbox["SEAL"])[0]


def test_full_disk_does_not_keep_the_chip_from_revoking(sandbox):
    seal = sandbox["SEAL"]
    sandbox.ctl("stop")
    sandbox.ok("cp -a $SEALSD_STATE /run/before; mount -t tmpfs -o size=600k,mode=0700 full $SEALSD_STATE;"
               "cp -a /run/before/. $SEALSD_STATE/; chown -R sealsd:sealsd $SEALSD_STATE")
    sandbox.ctl("start")
    assert sandbox.sign(seal)[0]
    sandbox.ok("head -c 1M /dev/zero > $SEALSD_STATE/filler || true")
    assert sandbox.error(f"/org/sealsd1/seal/{seal}", "Seal", "Sign", "aya{sv}", "32", *["1"] * 32,
                         "0") == "StorageFailure"
    assert sandbox.error(f"/org/sealsd1/seal/{seal}", "Seal", "Revoke", "s",
                         "theft") == "StorageFailure"
    done = sandbox.run(["attacker", "sign", "/run/before", seal])
    assert done.stdout.strip() == "Revoked", done
    sandbox.ok("rm $SEALSD_STATE/filler")
    assert sandbox.seal(seal, "Revoke", "s", "theft")[0] is not None
    assert json.loads(sandbox.seal(seal, "Describe")[0][0])["revocation-reason"] == "theft"


def test_broker_restarted_while_nobody_called_is_no_news_to_the_next_call(sandbox):
    pid = sandbox.ctl("pid")
    sandbox.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")
    signature, error = sandbox.sign(sandbox["SEAL"])
    assert signature, error
    assert sandbox.ctl("pid") == pid


def test_without_a_chip_calls_say_so_and_work_again_with_it(sandbox):
    seal = sandbox["SEAL"]
    sandbox.ok("$SEALSD_TPM_CTL stop")
    sign = (f"/org/sealsd1/seal/{seal}", "Seal", "Sign", "aya{sv}", "32", *["1"] * 32, "0")
    assert sandbox.error(*sign) == "TpmUnavailable"
    assert sandbox.manager_property("State") == "no-tpm"
    assert sandbox.seal_property(seal, "WhyNot").startswith("TpmUnavailable: ")
    for user in (None, "seal-stranger"):
        assert "Next: see 'systemctl status sealsd tpm2-abrmd'" in sandbox.ok("sealctl status", user)
    sandbox.ok("$SEALSD_TPM_CTL start")
    assert sandbox.error(*sign) == "ok"
    assert sandbox.manager_property("State") == "ready"


def test_revocation_without_a_chip_is_refused_at_once_and_set_when_it_is_back(sandbox):
    seals = [sandbox["SEAL"], sandbox.make_seal("Second")]
    sandbox.ctl("stop")
    sandbox.ok("cp -a $SEALSD_STATE /run/before")
    sandbox.ctl("start")
    for seal in seals:  # twice: the timer's first tick after a start is early in any case
        sandbox.ok("$SEALSD_TPM_CTL stop")
        assert sandbox.error(f"/org/sealsd1/seal/{seal}", "Seal", "Revoke", "s",
                             "theft") == "TpmUnavailable"
        assert sandbox.seal_property(seal, "State") == "revoked"
        assert "bit is not set in the chip yet" in sandbox.ok("sealctl status")
        sandbox.ok("$SEALSD_TPM_CTL start")
        # Within seconds, without anybody's doing: each attempt is a round trip to the chip.
        sandbox.ok("for i in $(seq 1000); do "
                   f"[ \"$(attacker sign /run/before {seal})\" = Revoked ] && exit 0; done; exit 1")
        sandbox.ok("for i in $(seq 1000); do sealctl status | grep -q 'not set in the chip' || exit 0; "
                   "done; exit 1")


def test_state_is_right_at_the_first_question_after_a_start(sandbox):
    for _ in range(3):
        sandbox.ctl("restart")
        assert sandbox.manager_property("State") == "ready"
    assert "manager is unapproved" not in sandbox.ok("cat $SEALSD_LOG")
