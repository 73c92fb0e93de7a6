# SPDX-License-Identifier: Apache-2.0
"""Grants, deputies, emergencies and limits: never one signature too many."""

import hashlib
import json
import time

import pytest

from tampering import edit
from test_roles import error_of

USER, OTHER = "SEAL_STRANGER", "SEAL_KEEPER"


def add(box, subject, *options, user=None, number=None):
    """(id, "") or (None, error's text)"""
    count = sum(1 for o in options if isinstance(o, tuple))
    flat = [str(w) for option in options for w in option]
    data, error = box.seal(number or box["SEAL"], "AddGrant", "sa{sv}", subject, count, *flat,
                           user=user)
    return (data[0], "") if data else (None, error)


def add_error(box, subject, *options, user=None):
    flat = [str(w) for option in options for w in option]
    return error_of(box, "Seal", box["SEAL"], "AddGrant", "sa{sv}", subject, str(len(options)), *flat,
                    user=user)


def sign_error(box, user=None, purpose=None):
    options = ["0"] if purpose is None else ["1", "purpose", "s", purpose]
    return error_of(box, "Seal", box["SEAL"], "Sign", "aya{sv}", "32", *["7"] * 32, *options, user=user)


def grants(box, user=None):
    data, error = box.seal(box["SEAL"], "ListGrants", user=user)
    assert data is not None, error
    return {identity: (subject, {k: v["data"] for k, v in facts.items()})
            for identity, subject, facts in data[0]}


def usec(seconds):
    return int((time.time() + seconds) * 1_000_000)


def me(box, name=USER):
    return f"user:{box[name]}"


def test_holder_sees_and_uses_the_seal_and_nothing_more(sandbox):
    box = sandbox
    user = box[USER]
    assert sign_error(box, user) == "UnknownObject"
    identity, error = add(box, me(box), ("purposes", "as", 1, "document-signing"), ("count", "t", 3))
    assert identity, error
    assert sign_error(box, user, "endorsement") == "PurposeNotAllowed"
    signature, use = box.sign(box["SEAL"], user=user)
    assert signature and use == 1
    assert box.verify(box["SEAL"], bytes(range(32)), signature)
    # He is no keeper: neither custody nor grants are shown to him, and he gives nothing away.
    assert error_of(box, "Seal", box["SEAL"], "ListGrants", user=user) == "AccessDenied"
    assert add_error(box, me(box, OTHER), user=user) == "AccessDenied"
    assert error_of(box, "Seal", box["SEAL"], "Accept", "a{sv}", "0", user=user) == "AccessDenied"
    assert box.seal_property(box["SEAL"], "Keepers", user=user) == []
    subject, facts = grants(box)[identity]
    assert subject == me(box) and facts["used"] == 1 and facts["count"] == 3
    assert facts["purposes"] == ["document-signing"] and facts["giver"] == "user:root"

    data, error = box.seal(box["SEAL"], "RemoveGrant", "ss", identity, "enough")
    assert data is not None, error
    assert sign_error(box, user) == "UnknownObject"
    assert grants(box) == {}
    assert error_of(box, "Seal", box["SEAL"], "RemoveGrant", "ss", identity, "again") == "InvalidState"
    assert error_of(box, "Seal", box["SEAL"], "RemoveGrant", "ss", "99", "none") == "NotFound"


def test_grant_has_its_time(sandbox):
    box = sandbox
    box.restart_ahead("--hours 2")
    identity, error = add(box, me(box), ("not-before", "t", usec(3 * 3600)))
    assert identity, error
    assert sign_error(box, box[USER]) == "NotYetValid"
    # The one that fits is found among several.
    assert add(box, me(box), ("until", "t", usec(3600)))[0]
    assert sign_error(box, box[USER]) == "ok"
    box.step_clock()
    assert sign_error(box, box[USER]) == "NotYetValid"
    assert add_error(box, me(box), ("until", "t", usec(-1))) == "InvalidArgs"


def test_group_is_granted_as_a_whole(sandbox):
    box = sandbox
    assert add(box, "group:seal-makers")[0]
    call = ["busctl", "call", "--", "org.sealsd1", f"/org/sealsd1/seal/{box['SEAL']}",
            "org.sealsd1.Seal", "Sign", "aya{sv}", "32", *["7"] * 32, "0"]
    assert box.run(call, box["SEAL_MAKER"], groups="--init-groups").status == 0
    assert box.run(call, box["SEAL_MAKER"]).status != 0


def test_deputy_keeps_until_then_and_makes_no_deputies(sandbox):
    box = sandbox
    deputy, third = box[OTHER], me(box)
    assert add_error(box, me(box, OTHER), ("keeper", "b", "true")) == "InvalidArgs"  # no end
    identity, error = add(box, me(box, OTHER), ("keeper", "b", "true"), ("until", "t", usec(3600)))
    assert identity, error
    assert sign_error(box, deputy) == "ok"
    assert "user:root" in box.seal_property(box["SEAL"], "Keepers", user=deputy)
    assert add_error(box, third, ("keeper", "b", "true"), ("until", "t", usec(60)),
                     user=deputy) == "AccessDenied"
    assert add_error(box, third, ("until", "t", usec(7200)), user=deputy) == "InvalidArgs"
    given, error = add(box, third, user=deputy)
    assert given, error
    assert sign_error(box, box[USER]) == "ok"
    # What a keeper gave is not the deputy's to take back.
    kept, _ = add(box, "group:seal-makers")
    assert error_of(box, "Seal", box["SEAL"], "RemoveGrant", "ss", kept, "", user=deputy) == (
        "AccessDenied")
    # With the deputy goes what he gave.
    data, error = box.seal(box["SEAL"], "RemoveGrant", "ss", identity, "back from leave")
    assert data is not None, error
    assert set(grants(box)) == {kept}
    assert sign_error(box, deputy) == "UnknownObject"
    assert sign_error(box, box[USER]) == "UnknownObject"


def test_grants_end_with_the_custody(sandbox):
    box = sandbox
    assert add(box, me(box))[0]
    assert add(box, me(box, OTHER), ("keeper", "b", "true"), ("until", "t", usec(3600)))[0]
    data, error = box.seal(box["SEAL"], "Surrender", "s", "leaving")
    assert data is not None, error
    assert grants(box, box["SEAL_ADMIN"]) == {}
    assert sign_error(box, box[USER]) == "UnknownObject"
    # Given out again, to the same keeper, they stay ended.
    assert error_of(box, "Seal", box["SEAL"], "Deliver", "s", "user:root", user=box["SEAL_ADMIN"]) == "ok"
    assert error_of(box, "Seal", box["SEAL"], "Accept", "a{sv}", "0") == "ok"
    assert sign_error(box, box[USER]) == "UnknownObject"
    assert sign_error(box, box[OTHER]) == "UnknownObject"


def test_emergency_is_short_announced_and_reviewed(sandbox):
    box = sandbox
    admin = box["SEAL_ADMIN"]
    emergency = ("emergency", "b", "true")
    assert add_error(box, me(box), user=admin) == "AccessDenied"
    assert add_error(box, me(box), emergency, user=admin) == "InvalidArgs"  # no reason
    reason = ("reason", "s", "the keeper is ill")
    assert add_error(box, f"user:{admin}", emergency, reason, user=admin) == "SeparationOfDuties"
    assert add_error(box, me(box), emergency, reason, ("count", "t", 11), user=admin) == "InvalidArgs"
    assert add_error(box, me(box), emergency, reason, ("until", "t", usec(90000)),
                     user=admin) == "InvalidArgs"
    pipe = box.watch(user=box["SEAL_AUDITOR"])
    identity, error = add(box, me(box), emergency, reason, ("count", "t", 2), user=admin)
    assert identity, error
    attention = pipe.signal("Attention")["body"]
    pipe.kill()
    assert attention[1] == "emergency-grant" and "the keeper is ill" in attention[3]
    assert [sign_error(box, box[USER]) for _ in range(3)] == ["ok", "ok", "LimitReached"]

    listed, error = box.manager("ListRequests", "a{sv}", 1, "kind", "s", "review", user=admin)
    [(path, kind, state, _number, applicant, _created)] = listed[0]
    assert (kind, state, applicant) == ("review", "applied", f"user:{admin}")
    review = path.rsplit("/", 1)[1]
    assert error_of(box, "Request", review, "Approve", "sa{sv}", "", "0", user=admin) == "AccessDenied"
    assert error_of(box, "Request", review, "Cancel", "s", "nothing to see", user=admin) == (
        "InvalidState")
    assert box.property(path, "Request", "Expires") == 0
    assert error_of(box, "Request", review, "Approve", "sa{sv}", "was needed", "0",
                    user=box["SEAL_REVIEWER"]) == "ok"
    assert box.property(path, "Request", "State") == "completed"


# --- limits ---------------------------------------------------------------------------------------

CLIENT = """
import hashlib, json, sys
from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
bus = open_dbus_connection("SYSTEM")
address = DBusAddress(path, bus_name="org.sealsd1", interface="org.sealsd1.Seal")
for i in range(count):
    digest = hashlib.sha256(f"{name} {i}".encode()).digest()
    reply = bus.send_and_get_reply(new_method_call(address, "Sign", "aya{sv}", (digest, {})),
                                   timeout=120)
    if reply.header.message_type == MessageType.method_return:
        print(json.dumps(["ok", digest.hex(), bytes(reply.body[0]).hex(), reply.body[1]]), flush=True)
    else:
        print(json.dumps([reply.header.fields[4].rsplit(".", 1)[1]]), flush=True)
"""

CLIENTS, LIMIT = 16, 100


def limited_seal(box, limit):
    path = box.ok(["busctl", "--json=short", "call", "--", "org.sealsd1", "/org/sealsd1",
                   "org.sealsd1.Manager", "Apply", "a{sv}", "3", "name", "s", "Limited", "keepers",
                   "as", "1", "user:root", "use-limit", "t", str(limit)], box["SEAL_APPLICANT"])
    request = json.loads(path)["data"][0].rsplit("/", 1)[1]
    data, error = box.request(request, "Approve", "sa{sv}", "", "0", user=box["SEAL_REVIEWER"])
    assert data is not None, error
    number = box.property(f"/org/sealsd1/request/{request}", "Request", "Seal")
    data, error = box.seal(number, "Accept", "a{sv}", "0")
    assert data is not None, error
    return number


def all_at_once(box, number, each, users):
    script = box.write("client.py", CLIENT)
    running = [box.start(["/usr/bin/python3", script, f"/org/sealsd1/seal/{number}", f"client {i}",
                          str(each)], user=users[i % len(users)]) for i in range(CLIENTS)]
    answers = []
    for n in running:
        done = box.finish(n)
        assert done.status == 0, done
        answers += [json.loads(line) for line in done.stdout.splitlines()]
    return answers


def check_signatures(box, number, answers, count):
    good = [a for a in answers if a[0] == "ok"]
    assert len(good) == count
    assert len({use for *_ignored, use in good}) == count
    key = box.write("key.der", bytes(box.seal_property(number, "PublicKey")))
    pairs = "\n".join(f"{digest} {signature}" for _ok, digest, signature, _use in good)
    assert box.ok(["verify-digests", key], data=pairs).strip() == str(count)
    assert {a[0] for a in answers} - {"ok"} == {"LimitReached"}


def test_limit_of_a_seal_holds_among_sixteen_clients(sandbox):
    number = limited_seal(sandbox, LIMIT)
    answers = all_at_once(sandbox, number, 10, [None])
    assert len(answers) == 160
    check_signatures(sandbox, number, answers, LIMIT)
    assert sandbox.seal_property(number, "UseCount") == LIMIT


def test_limit_of_a_grant_holds_among_sixteen_clients_of_its_group(sandbox):
    box = sandbox
    number = limited_seal(box, 1000)
    identity, error = add(box, me(box), ("count", "t", LIMIT), number=number)
    assert identity, error
    answers = all_at_once(box, number, 10, [box[USER]])
    check_signatures(box, number, answers, LIMIT)
    # The keeper's own uses are none of the grant's.
    assert box.sign(number)[1] == LIMIT + 1


def test_limits_hold_across_kill_9(sandbox):
    """A use is taken before it is signed: a crash may waste one and never adds one."""
    box = sandbox
    number = limited_seal(box, LIMIT)
    assert add(box, me(box), ("count", "t", LIMIT // 2), number=number)[0]
    script = box.write("client.py", CLIENT)
    got = {None: [], box[USER]: []}
    for round_ in range(100):
        clients = [(user, box.pipe(["/usr/bin/python3", script, f"/org/sealsd1/seal/{number}",
                                    f"{round_} {user} {i}", "40"], user=user))
                   for user in got for i in range(2)]
        # In the middle of the work: each has had an answer, and asks on.
        first = [json.loads(pipe.line()) for _user, pipe in clients]
        box.ctl("kill")
        for (user, pipe), answer in zip(clients, first):
            got[user].append(answer)
            while True:
                message = pipe.get()
                if "status" in message:
                    break
                if message["line"].startswith("["):
                    got[user].append(json.loads(message["line"]))
        box.ctl("start")
        if box.seal_property(number, "UseCount") >= LIMIT:
            break
    count = {user: sum(a[0] == "ok" for a in answers) for user, answers in got.items()}
    assert box.seal_property(number, "UseCount") == LIMIT
    assert sum(count.values()) <= LIMIT and count[box[USER]] <= LIMIT // 2, count
    assert sum(count.values()) > LIMIT // 2, count  # and not all were wasted
    uses = [a[3] for answers in got.values() for a in answers if a[0] == "ok"]
    assert len(set(uses)) == len(uses) and max(uses) <= LIMIT
    assert error_of(box, "Seal", number, "Sign", "aya{sv}", "32", *["7"] * 32, "0") == "LimitReached"


# --- SignMany -------------------------------------------------------------------------------------

MANY = """
import hashlib, json, sys
from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
path, count = sys.argv[1], int(sys.argv[2])
bus = open_dbus_connection("SYSTEM")
address = DBusAddress(path, bus_name="org.sealsd1", interface="org.sealsd1.Seal")
digests = [hashlib.sha256(str(i).encode()).digest() for i in range(count)]
reply = bus.send_and_get_reply(new_method_call(address, "SignMany", "aaya{sv}", (digests, {})),
                               timeout=600)
if reply.header.message_type == MessageType.method_return:
    print(json.dumps([reply.body[1]] + [bytes(s).hex() for s in reply.body[0]]))
else:
    print(json.dumps(reply.header.fields[4].rsplit(".", 1)[1]))
"""


def sign_many(box, number, count, user=None):
    script = box.write("many.py", MANY)
    done = box.run(["/usr/bin/python3", script, f"/org/sealsd1/seal/{number}", str(count)], user,
                   timeout=600)
    assert done.status == 0, done
    return json.loads(done.stdout)


def test_many_signatures_are_each_one_use(sandbox):
    box = sandbox
    pipe = box.watch()
    first, *signatures = sign_many(box, box["SEAL"], 250)
    progress = pipe.signal("Progress")["body"]
    pipe.kill()
    assert progress[0] == "SignMany" and progress[2] == 250
    assert first == 1 and len(signatures) == 250
    assert box.seal_property(box["SEAL"], "UseCount") == 250
    key = box.write("key.der", bytes(box.seal_property(box["SEAL"], "PublicKey")))
    pairs = "\n".join(f"{hashlib.sha256(str(i).encode()).hexdigest()} {s}"
                      for i, s in enumerate(signatures))
    assert box.ok(["verify-digests", key], data=pairs).strip() == "250"
    assert box.sign(box["SEAL"])[1] == 251


def test_many_signatures_are_counted_all_or_none(sandbox):
    box = sandbox
    number = limited_seal(box, 10)
    assert sign_many(box, number, 11) == "LimitReached"
    assert box.seal_property(number, "UseCount") == 0
    assert sign_many(box, number, 7)[0] == 1
    assert sign_many(box, number, 4) == "LimitReached"
    assert sign_many(box, number, 3)[0] == 8
    assert sign_many(box, number, 1) == "LimitReached"
    assert add(box, me(box), ("count", "t", 5))[0]
    assert sign_many(box, box["SEAL"], 6, user=box[USER]) == "LimitReached"
    assert sign_many(box, box["SEAL"], 5, user=box[USER])[0] == 1


def test_many_signatures_have_bounds(shared):
    assert sign_many(shared, shared["SEAL"], 0) == "InvalidArgs"
    assert sign_many(shared, shared["SEAL"], 10001) == "LimitsExceeded"
    found = error_of(shared, "Seal", shared["SEAL"], "SignMany", "aaya{sv}", "2", "32", *["7"] * 32, "31",
                     *["7"] * 31, "0")
    assert found == "InvalidArgs"


@pytest.mark.alone
def test_another_s_signature_does_not_wait_for_the_many(sandbox):
    box = sandbox
    assert add(box, me(box))[0]
    script = box.write("many.py", MANY)
    begin = time.monotonic()
    many = box.start(["/usr/bin/python3", script, f"/org/sealsd1/seal/{box['SEAL']}", "10000"],
                     timeout=600)
    longest, count = 0, 0
    while box.inboxes[many].empty():
        start = time.monotonic()
        assert box.sign(box["SEAL"], user=box[USER])[0]
        longest, count = max(longest, time.monotonic() - start), count + 1
    took = time.monotonic() - begin
    answer = json.loads(box.finish(many).stdout)
    assert len(answer) == 10001
    # One turn of the many, and what a process and a connection cost: a fraction of all of it.
    assert count > 3 and longest < took / 4, (longest, count, took)


def test_many_that_the_chip_refuses_half_way_stay_counted(sandbox):
    """What it was asked for may have been signed, so nothing is given back."""
    box = sandbox
    script = box.write("many.py", MANY)
    pipe = box.watch()
    many = box.start(["/usr/bin/python3", script, f"/org/sealsd1/seal/{box['SEAL']}", "5000"],
                     timeout=600)
    pipe.signal("Progress")
    box.pcr_extend(7)
    pipe.kill()
    assert json.loads(box.finish(many).stdout) == "MachineStateRefused"
    assert box.seal_property(box["SEAL"], "UseCount") == 5000
    # Known to be refused, it takes no use any more.
    assert sign_error(box) == "MachineStateRefused"
    assert box.seal_property(box["SEAL"], "UseCount") == 5000


# --- what comes up while signatures wait -----------------------------------------------------------

def test_suspension_ends_the_many_at_once(sandbox):
    box = sandbox
    script = box.write("many.py", MANY)
    pipe = box.watch()
    many = box.start(["/usr/bin/python3", script, f"/org/sealsd1/seal/{box['SEAL']}", "10000"],
                     timeout=600)
    pipe.signal("Progress")
    data, error = box.seal(box["SEAL"], "Suspend", "s", "doubts")
    assert data is not None, error
    assert json.loads(box.finish(many).stdout) == "Suspended"
    done = [pipe.signal("Changed")]  # of the suspension; what follows it is no progress
    assert done[0]["body"][2] == "suspended"
    pipe.kill()


@pytest.mark.parametrize("change, expected", [
    (["Suspend", "s", "doubts"], "Suspended"),
    (["Surrender", "s", "leaving"], "Surrendered"),
])
def test_signature_that_waits_for_the_chip_is_judged_again(sandbox, change, expected):
    """The chip is held up, so that the call waits there while the seal is taken out of use."""
    box = sandbox
    script = box.write("client.py", CLIENT)
    box.ok("kill -STOP $(cat /run/sealsd-sandbox/swtpm.pid)")
    try:
        # The first is with the chip and counts as asked; the others wait behind it.
        pipes = [box.pipe(["/usr/bin/python3", script, f"/org/sealsd1/seal/{box['SEAL']}", str(i), "1"])
                 for i in range(3)]
        while box.seal_property(box["SEAL"], "UseCount") < 3:
            time.sleep(0.05)
        data, error = box.seal(box["SEAL"], *change)
        assert data is not None, error
    finally:
        box.ok("kill -CONT $(cat /run/sealsd-sandbox/swtpm.pid)")
    answers = sorted(json.loads(pipe.line())[0] for pipe in pipes)
    assert answers.count(expected) >= 2, answers


def test_tampering_found_while_signatures_wait_ends_them(sandbox):
    box = sandbox
    script = box.write("client.py", CLIENT)
    box.ok("kill -STOP $(cat /run/sealsd-sandbox/swtpm.pid)")
    try:
        pipes = [box.pipe(["/usr/bin/python3", script, f"/org/sealsd1/seal/{box['SEAL']}", str(i), "1"])
                 for i in range(3)]
        while box.seal_property(box["SEAL"], "UseCount") < 3:
            time.sleep(0.05)
        edit(box, "changed", "counter")
        # Its answer waits for the chip, too; what it finds is known before.
        check = box.start(["busctl", "call", "--timeout=180", "org.sealsd1", "/org/sealsd1", "org.sealsd1.Manager",
                           "VerifyLedger"])
        while box.manager_property("State") != "tampered":
            time.sleep(0.05)
    finally:
        box.ok("kill -CONT $(cat /run/sealsd-sandbox/swtpm.pid)")
    answers = [json.loads(pipe.line())[0] for pipe in pipes]
    assert answers.count("RegisterTampered") >= 2, answers
    box.finish(check)


def test_grant_taken_back_ends_what_waits(sandbox):
    box = sandbox
    identity, error = add(box, me(box))
    assert identity, error
    script = box.write("many.py", MANY)
    pipe = box.watch()
    many = box.start(["/usr/bin/python3", script, f"/org/sealsd1/seal/{box['SEAL']}", "10000"],
                     user=box[USER], timeout=600)
    pipe.signal("Progress")
    pipe.kill()
    data, error = box.seal(box["SEAL"], "RemoveGrant", "ss", identity, "enough")
    assert data is not None, error
    assert json.loads(box.finish(many).stdout) == "AccessDenied"


# --- the ledger -----------------------------------------------------------------------------------

def rows(box, event):
    data, error = box.manager("ReadLedger", "a{sv}", 1, "event", "s", event)
    assert data is not None, error
    return [json.loads(text) for text in data[0]]


def test_ledger_tells_who_used_what_by_which_right(sandbox):
    box = sandbox
    identity, error = add(box, me(box), ("count", "t", 5))
    assert identity, error
    data, error = box.seal(box["SEAL"], "Sign", "aya{sv}", 32, *[7] * 32, 2, "purpose", "s",
                           "endorsement", "document-name", "s", "contract.pdf", user=box[USER])
    assert data, error
    sign_many(box, box["SEAL"], 3)
    one, many = rows(box, "use")
    assert one["subject"] == me(box) and one["object"] == f"grant:{identity}"
    assert (one["purpose"], one["document"], one["hash"]) == ("endorsement", "contract.pdf", "sha256")
    assert (one["document-hash"], one["use"]) == ("07" * 32, 1)
    assert many["subject"] == "user:root" and "object" not in many
    assert (many["use"], many["count"]) == (2, 3)
    assert many["facts"]["digests"] == [hashlib.sha256(str(i).encode()).hexdigest() for i in range(3)]
    [added] = rows(box, "grant-added")
    assert (added["object"], added["facts"]["count"], added["seal"]) == (me(box), 5, box["SEAL"])
    data, error = box.seal(box["SEAL"], "RemoveGrant", "ss", identity, "enough")
    assert data is not None, error
    [removed] = rows(box, "grant-removed")
    assert (removed["object"], removed["reason"]) == (me(box), "enough")
    assert removed["facts"]["id"] == int(identity)


def test_calls_that_the_chip_would_refuse_leave_rows_counted_by_the_minute(sandbox):
    box = sandbox
    script = box.write("client.py", CLIENT)
    path = f"/org/sealsd1/seal/{box['SEAL']}"
    box.pcr_extend(7)
    done = box.run(["/usr/bin/python3", script, path, "refused", "200"])
    assert done.status == 0, done
    assert {json.loads(line)[0] for line in done.stdout.splitlines()} == {"MachineStateRefused"}
    # Only the first was news, and was taken to the chip: it failed, and was given back.
    assert len(rows(box, "use")) == len(rows(box, "use-failed")) <= 2
    assert box.seal_property(box["SEAL"], "UseCount") == 0
    box.ctl("stop")  # what is counted is written at the latest now
    box.ctl("start")
    refused = rows(box, "use-refused")
    assert len(refused) <= 4, refused
    assert {row["result"] for row in refused} == {"MachineStateRefused"}
    assert sum(row.get("count", 1) for row in refused) >= 198


def test_many_digests_are_in_rows_of_a_thousand(sandbox):
    box = sandbox
    assert sign_many(box, box["SEAL"], 2500)[0] == 1
    told = rows(box, "use")
    assert [(row["use"], row["count"]) for row in told] == [(1, 1000), (1001, 1000), (2001, 500)]
    digests = [d for row in told for d in row["facts"]["digests"]]
    assert digests == [hashlib.sha256(str(i).encode()).hexdigest() for i in range(2500)]
    data, error = box.manager("VerifyLedger")
    assert data is not None and data[0]["good"]["data"] is True, (data, error)
