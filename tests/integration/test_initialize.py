# SPDX-License-Identifier: Apache-2.0
"""Initialize: by an external authority with plain openssl, by a resident one, interrupted, twice."""

import hashlib
import json

import pytest
from conftest import Sandbox

def spki(box, key="$SEAL_AUTHORITY"):
    return box.ok(f"install -d -m 1777 /run/test; openssl pkey -in {key} -pubout")


def new_key(box, name):
    path = box.temp(name)
    box.ok(f"openssl ecparam -name prime256v1 -genkey -noout -out {path}")
    return path


def start(box, *options, key="$SEAL_AUTHORITY"):
    public = spki(box, key)
    pairs = ["authority", "s", public, *options]
    count = 1 + sum(1 for i in range(0, len(options), 3))
    return box.manager("Initialize", "a{sv}", count, *pairs)


def sign(box, message, key="$SEAL_AUTHORITY"):
    box.write("message", bytes(message))
    box.ok(f"openssl dgst -sha256 -sign {key} -out /run/test/sig /run/test/message")
    return box.run("cat /run/test/sig").bytes


def challenges(box):
    data, error = box.manager("ListChallenges")
    assert data is not None, error
    return data[0]


def answer_all(box, key="$SEAL_AUTHORITY"):
    count = 0
    while box.manager_property("State") == "uninitialized":
        for identity, _kind, message, _expires in challenges(box):
            signature = sign(box, message, key)
            data, error = box.manager("Answer", "say", identity, len(signature), *signature)
            assert data is not None, error
            count += 1
    return count


def lockout_auth_is_set(box):
    out = box.ok("tpm2_getcap properties-variable")
    return "lockoutAuthSet:            1" in out


def test_external_authority_answers_with_plain_openssl(bare):
    assert not lockout_auth_is_set(bare)
    data, error = start(bare)
    assert data, error
    report = data[0]
    assert report["challenges"]["data"] == 4 and report["authority"]["data"] == "external"
    assert len(report["indices"]["data"]) == 2
    assert lockout_auth_is_set(bare)
    offered = challenges(bare)
    assert len(offered) == 2
    assert [c[1] for c in offered] == ["machine-state", "index"]
    assert len(offered[0][2]) == 64 and len(offered[1][2]) == 100
    assert bare.error("/org/sealsd1", "Manager", "Apply", "a{sv}", "1", "name", "s", "x",
                      user="seal-applicant") == "NotInitialized"
    assert answer_all(bare) == 4
    assert bare.manager_property("State") == "ready"
    assert challenges(bare) == []
    assert bare.sign(bare.make_seal())[0]


def machine_state_bytes(box, pcrs, mask):
    """What approves the state of now for the default profile, from the specification alone."""
    box.ok(f"cd /run/test && tpm2_pcrread sha256:{pcrs} -o pcrs")
    values = box.run("cat /run/test/pcrs").bytes
    selection = bytes.fromhex("00000001000b03" + mask)
    policy = hashlib.sha256(bytes(32) + bytes.fromhex("0000017f") + selection +
                            hashlib.sha256(values).digest()).digest()
    return policy + hashlib.sha256(b"sealsd/profile/default").digest()


def test_machine_state_bytes_can_be_recomputed_from_the_pcrs(bare):
    start(bare)
    [message] = [bytes(c[2]) for c in challenges(bare) if c[1] == "machine-state"]
    assert message == machine_state_bytes(bare, "0,2,7", "850000")


def test_wrong_signatures_are_refused_and_the_challenge_stays(bare):
    start(bare)
    bare.ok("openssl ecparam -name prime256v1 -genkey -noout -out /run/test/other.pem")
    for identity, _kind, message, _expires in challenges(bare):
        wrong = sign(bare, message, "/run/test/other.pem")
        assert bare.error("/org/sealsd1", "Manager", "Answer", "say", identity, str(len(wrong)),
                          *wrong) == "ApprovalInvalid"
        other = sign(bare, bytes(message)[::-1])
        assert bare.error("/org/sealsd1", "Manager", "Answer", "say", identity, str(len(other)),
                          *other) == "ApprovalInvalid"
    assert answer_all(bare) == 4


def test_daemon_restarted_in_between_offers_fresh_challenges(bare):
    start(bare)
    before = {bytes(c[2]) for c in challenges(bare) if c[1] == "index"}
    stale = [(c[0], sign(bare, c[2])) for c in challenges(bare) if c[1] == "index"]
    bare.ctl("restart")
    after = {bytes(c[2]) for c in challenges(bare) if c[1] == "index"}
    assert before and after and not before & after
    for identity, signature in stale:
        assert bare.error("/org/sealsd1", "Manager", "Answer", "say", identity, str(len(signature)),
                          *signature) == "NotFound"
    answer_all(bare)
    assert bare.sign(bare.make_seal())[0]


def test_killed_daemon_goes_on_where_it_was(bare):
    start(bare)
    identity, _kind, message, _expires = challenges(bare)[0]
    signature = sign(bare, message)
    assert bare.manager("Answer", "say", identity, len(signature), *signature)[0] is not None
    bare.ctl("kill")
    bare.ctl("start")
    assert answer_all(bare) == 3


def test_initialize_asked_twice_says_so_and_changes_nothing(sandbox):
    sandbox.ok("install -d -m 1777 /run/test; tpm2_getcap handles-nv-index > /run/test/nv")
    before = sandbox.manager("GetStatus")[0][0]
    public = spki(sandbox)
    assert sandbox.error("/org/sealsd1", "Manager", "Initialize", "a{sv}", "1", "authority", "s",
                         public) == "AlreadyInitialized"
    assert sandbox.run("sealctl init --authority $SEAL_AUTHORITY").status == 5
    after = sandbox.manager("GetStatus")[0][0]
    for key in ("indices", "ledger-index", "authority-name", "srk-name", "capacity", "separation"):
        assert before[key] == after[key], key
    sandbox.ok("tpm2_getcap handles-nv-index | cmp - /run/test/nv")
    assert sandbox.sign(sandbox["SEAL"])[0]


def test_interrupted_initialize_run_again_with_other_options_leaves_nothing_behind(bare):
    start(bare, "capacity", "u", "200")
    handles = bare.ok("tpm2_getcap handles-nv-index").split()
    bare.ctl("kill")
    bare.ctl("start")
    bare.ok("openssl ecparam -name prime256v1 -genkey -noout -out /run/test/new.pem; "
            "sealctl init --authority /run/test/new.pem --pcrs sha256:7")
    assert bare.manager_property("State") == "ready"
    assert sorted(bare.ok("tpm2_getcap handles-nv-index").split()) == sorted(handles)
    status = bare.manager("GetStatus")[0][0]
    assert status["pcrs"]["data"] == "sha256:7" and status["capacity"]["data"] == 200
    assert bare.sign(bare.make_seal())[0]


def answer_one(box, kind, key="$SEAL_AUTHORITY"):
    [(identity, message)] = [(c[0], c[2]) for c in challenges(box) if c[1] == kind]
    signature = sign(box, message, key)
    data, error = box.manager("Answer", "say", identity, len(signature), *signature)
    assert data is not None, error


def assert_none_is_left(box, before):
    """Of what was on offer before: neither ids nor bytes are, and no old answer is taken."""
    now = challenges(box)
    assert not {c[0] for c in before} & {c[0] for c in now}
    assert not {bytes(c[2]) for c in before} & {bytes(c[2]) for c in now}
    for identity, _kind, message, _expires in before:
        old = sign(box, message)
        assert box.error("/org/sealsd1", "Manager", "Answer", "say", identity, str(len(old)),
                         *old) == "NotFound"


def test_initialize_again_with_other_pcrs_offers_fresh_challenges_of_these(bare):
    start(bare)
    before = challenges(bare)
    assert [c[1] for c in before] == ["machine-state", "index"]
    data, error = start(bare, "pcrs", "s", "sha256:7,14")
    assert data, error
    assert_none_is_left(bare, before)
    [message] = [bytes(c[2]) for c in challenges(bare) if c[1] == "machine-state"]
    assert message == machine_state_bytes(bare, "7,14", "804000")
    assert answer_all(bare) == 4
    assert bare.manager_property("State") == "ready"
    state = bare.manager("GetMachineState")[0][0]
    assert state["pcrs"]["data"] == "sha256:7,14" and state["approved"]["data"] is True
    assert [pcr for pcr, _value in state["values"]["data"]] == [7, 14]
    assert bare.sign(bare.make_seal())[0]


def test_initialize_again_with_another_authority_wants_everything_signed_by_it(bare):
    start(bare)
    before = challenges(bare)
    key = new_key(bare, "b.pem")
    data, error = start(bare, key=key)
    assert data, error
    assert data[0]["challenges"]["data"] == 4
    # The machine's state is the same, and so are the bytes that approve it: A's answer is not B's.
    for identity, _kind, message, _expires in challenges(bare):
        wrong = sign(bare, message)
        assert bare.error("/org/sealsd1", "Manager", "Answer", "say", identity, str(len(wrong)),
                          *wrong) == "ApprovalInvalid"
    ids = {c[0] for c in challenges(bare)}
    assert not ids & {c[0] for c in before}
    assert answer_all(bare, key) == 4
    assert bare.manager_property("State") == "ready"
    assert bare.sign(bare.make_seal())[0]


def test_approval_of_an_earlier_authority_is_gone_with_it(bare):
    start(bare)
    answer_one(bare, "machine-state")
    key = new_key(bare, "b.pem")
    data, error = start(bare, key=key)
    assert data, error
    assert data[0]["challenges"]["data"] == 4
    assert bare.manager("GetMachineState")[0][0]["approvals"]["data"] == 0
    assert "machine-state" in [c[1] for c in challenges(bare)]
    assert answer_all(bare, key) == 4
    state = bare.manager("GetMachineState")[0][0]
    assert state["approved"]["data"] is True and state["approvals"]["data"] == 1
    signature, use = bare.sign(bare.make_seal())
    assert signature, use


def test_resident_authority_with_a_passphrase(bare):
    data, error = bare.manager("Initialize", "a{sv}", 1, "passphrase", "s", "correct horse")
    assert data, error
    assert data[0]["authority"]["data"] == "resident" and data[0]["challenges"]["data"] == 0
    assert bare.manager_property("State") == "ready"
    seal = bare.make_seal()
    assert bare.sign(seal)[0]
    bare.pcr_extend(7)
    assert bare.sign(seal)[0] is None
    assert bare.error("/org/sealsd1", "Manager", "ApproveMachineState", "a{sv}", "1", "passphrase",
                      "s", "battery staple") == "WrongPin"
    assert bare.error("/org/sealsd1", "Manager", "ApproveMachineState", "a{sv}",
                      "0") == "PinRequired"
    data, error = bare.manager("ApproveMachineState", "a{sv}", 1, "passphrase", "s", "correct horse")
    assert data is not None, error
    assert bare.sign(seal)[0]
    # The passphrase went to the chip and nowhere else.
    for file in ("$SEALSD_STATE", "$SEALSD_LOG"):
        assert bare.run(f"grep -ra 'correct horse' {file}").status == 1


def test_passphrase_by_pipe_and_by_sealed_memfd(new_sandbox):
    script = """
import fcntl, os, sys
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection("SYSTEM", enable_fds=True)
if sys.argv[1] == "memfd":
    fd = os.memfd_create("secret", os.MFD_ALLOW_SEALING); os.write(fd, b"correct horse")
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
else:
    fd, end = os.pipe(); os.write(end, b"correct horse"); os.close(end)
address = DBusAddress("/org/sealsd1", bus_name="org.sealsd1", interface="org.sealsd1.Manager")
reply = bus.send_and_get_reply(new_method_call(address, "Initialize", "a{sv}",
    ({"passphrase": ("h", fd)},)), timeout=60)
print(reply.header.fields.get(4, "ok"), reply.body)
"""
    for how in ("memfd", "pipe"):
        box = new_sandbox(conf="[Daemon]\nAllowInlineSecrets=no\n")
        assert box.error("/org/sealsd1", "Manager", "Initialize", "a{sv}", "1", "passphrase", "s",
                         "correct horse") == "InvalidArgs"
        path = box.write("secret.py", script)
        assert box.ok(["/usr/bin/python3", path, how]).startswith("ok")
        assert box.manager_property("State") == "ready"


def test_lockout_auth_that_is_there_is_taken_or_asked_for(bare):
    bare.ok("tpm2_changeauth -c lockout abc")
    public = spki(bare)
    call = ("/org/sealsd1", "Manager", "Initialize", "a{sv}")
    assert bare.error(*call, "1", "authority", "s", public) == "PinRequired"
    assert bare.manager_property("State") == "uninitialized"
    assert bare.ok("tpm2_getcap handles-nv-index").strip() == ""
    data, error = bare.manager("Initialize", "a{sv}", 2, "authority", "s", public, "lockout-auth",
                               "s", "abc")
    assert data, error
    assert data[0]["lockout-auth"]["data"] == "taken"
    answer_all(bare)
    bare.ok("tpm2_dictionarylockout -c -p abc")


def new_escrow(box):
    box.ok("""install -d -m 1777 /run/test; cd /run/test
        openssl req -x509 -newkey rsa:2048 -nodes -keyout escrow.key -out escrow.pem -subj /CN=escrow \
            -days 30""")
    return box.ok("cat /run/test/escrow.pem")


def escrowed(box, report):
    """What the escrow's holder finds in the envelope: {authorisation: hex}."""
    box.write("escrowed", bytes(report["escrowed"]["data"]))
    out = box.ok("cd /run/test && openssl cms -decrypt -inform DER -in escrowed -inkey escrow.key")
    return dict(line.split() for line in out.splitlines())


def test_wrong_lockout_auth_on_a_second_try_does_not_replace_the_first(bare):
    data, error = start(bare, "escrow", "s", new_escrow(bare))
    assert data, error
    auths = escrowed(bare, data[0])
    public = spki(bare)
    assert bare.error("/org/sealsd1", "Manager", "Initialize", "a{sv}", "2", "authority", "s", public,
                      "lockout-auth", "s", "wrong") in ("InvalidArgs", "WrongPin")
    data, error = start(bare)
    assert data, error
    assert data[0]["lockout-auth"]["data"] == "set"
    answer_all(bare)
    assert bare.manager_property("State") == "ready"
    # The chip's lockout authorisation is still the first, and was not locked by wrong ones.
    bare.ok(f"tpm2_dictionarylockout -c -p hex:{auths['lockout-auth']}")
    assert bare.sign(bare.make_seal())[0]


def test_owner_auth_is_left_alone_given_or_set(new_sandbox):
    box = new_sandbox()
    box.ok("tpm2_changeauth -c owner secret")
    public = spki(box)
    assert box.error("/org/sealsd1", "Manager", "Initialize", "a{sv}", "1", "authority", "s",
                     public) == "PinRequired"
    data, error = box.manager("Initialize", "a{sv}", 2, "authority", "s", public, "owner-auth", "s",
                              "secret")
    assert data, error
    assert data[0]["owner-auth"]["data"] == "unchanged"
    answer_all(box)
    box.ok("tpm2_changeauth -c owner -p secret secret")
    assert box.sign(box.make_seal())[0]

    box = new_sandbox()
    data, error = start(box, "set-owner-auth", "b", "true")
    assert data, error
    assert data[0]["owner-auth"]["data"] == "set"
    answer_all(box)
    assert box.run("tpm2_changeauth -c owner x").status != 0
    assert box.sign(box.make_seal())[0]
    attention = box.manager("GetStatus")[0][0]["attention"]["data"]
    assert not any("owner auth" in text for text in attention)


def test_escrow_receives_what_was_set(bare):
    data, error = start(bare, "escrow", "s", new_escrow(bare), "set-owner-auth", "b", "true")
    assert data, error
    auths = escrowed(bare, data[0])
    assert set(auths) == {"lockout-auth", "owner-auth"}
    bare.ok(f"tpm2_dictionarylockout -c -p hex:{auths['lockout-auth']}")
    bare.ok(f"tpm2_changeauth -c owner -p hex:{auths['owner-auth']} hex:{auths['owner-auth']}")


@pytest.mark.parametrize("options,name,word", [
    (["0"], "InvalidArgs", "authority"),
    (["1", "authority", "s", "nonsense"], "InvalidArgs", "key"),
    (["1", "authority", "s", "x" * 20000], "LimitsExceeded", "authority"),
    (["2", "passphrase", "s", "x", "pcrs", "s", "sha256:"], "InvalidArgs", "PCR"),
    (["2", "passphrase", "s", "x", "pcrs", "s", "sha256:10"], "InvalidArgs", "10"),
    (["2", "passphrase", "s", "x", "pcrs", "s", "sha256:15"], "InvalidArgs", "15"),
    (["2", "passphrase", "s", "x", "capacity", "u", "100000"], "LimitsExceeded", "capacity"),
    (["2", "passphrase", "s", "x", "separation", "s", "none"], "InvalidArgs", "separation"),
    (["2", "passphrase", "s", "x", "profile", "s", "No Good"], "InvalidArgs", "profile"),
    (["2", "passphrase", "s", "x", "escrow", "s", "nonsense"], "InvalidArgs", "escrow"),
    (["1", "passphrase", "s", ""], "InvalidArgs", "passphrase"),
])
def test_bad_options_change_nothing(shared_bare, options, name, word):
    done = shared_bare.run(["/usr/bin/python3", shared_bare.call_error,
                            "/org/sealsd1", "org.sealsd1.Manager", "Initialize", "a{sv}", *options])
    assert done.stdout.strip() == name, done
    assert word in done.stderr
    assert shared_bare.manager_property("State") == "uninitialized"
    assert shared_bare.ok("tpm2_getcap handles-nv-index").strip() == ""


@pytest.fixture(scope="module")
def shared_bare():
    box = Sandbox()
    yield box
    assert box.close() == 0


def test_stranger_cannot_initialize(shared_bare):
    assert shared_bare.error("/org/sealsd1", "Manager", "Initialize", "a{sv}", "1", "passphrase",
                             "s", "x", user="seal-stranger") == "AccessDenied"


def test_sealctl_init_alone_makes_an_authority_key_to_keep_elsewhere(bare):
    out = bare.run("cd /run/test 2>/dev/null || { install -d -m 1777 /run/test; cd /run/test; }; "
                   "printf 'long enough passphrase' > pass; "
                   "sealctl init --passphrase-file pass; stat -c %a sealsd-authority.pem; "
                   "grep -c 'ENCRYPTED PRIVATE KEY' sealsd-authority.pem")
    assert out.status == 0, out
    assert "600" in out.stdout
    assert "elsewhere" in out.stdout + out.stderr or "keep" in (out.stdout + out.stderr).lower()
    assert bare.manager_property("State") == "ready"
    assert json.loads(bare.ok("sealctl --json status"))["state"] == "ready"
