# SPDX-License-Identifier: Apache-2.0
"""Bad input: a clear error by name, and nothing lost."""

import pytest

SEAL_CASES = [
    # member, arguments, error, a word of the text
    ("Sign", ["aya{sv}", "0", "0"], "InvalidArgs", "32"),
    ("Sign", ["aya{sv}", "31", *["1"] * 31, "0"], "InvalidArgs", "31"),
    ("Sign", ["aya{sv}", "64", *["1"] * 64, "0"], "InvalidArgs", "64"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "hash", "s", "sha512"], "InvalidArgs", "64"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "hash", "s", "md5"], "InvalidArgs", "hash"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "hash", "s", "sm3"], "InvalidArgs", "sha512"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "scheme", "s", "rsapss"], "InvalidArgs", "scheme"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "scheme", "s", "x" * 100], "LimitsExceeded",
     "scheme"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "colour", "s", "red"], "InvalidArgs", "colour"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "purpose", "t", "1"], "InvalidArgs", "purpose"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "purpose", "s", "fun"], "InvalidArgs", "purpose"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "format", "s", "xades"], "InvalidArgs", "format"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "document-name", "s", "x" * 2000],
     "LimitsExceeded", "document-name"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "document-name", "s", "a\nb"], "InvalidArgs",
     "document-name"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "live", "b", "true"], "InvalidArgs", "live"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "expires", "t", "1"], "InvalidArgs", "expires"),
    ("Revoke", ["s", "x" * 2000], "LimitsExceeded", ""),
    ("Accept", ["a{sv}", "1", "new-pin", "s", "1234"], "InvalidState", "active"),
    ("Accept", ["a{sv}", "1", "new-pin", "u", "1234"], "InvalidArgs", "new-pin"),
    ("Accept", ["a{sv}", "1", "new-pin", "s", "x" * 2000], "LimitsExceeded", "new-pin"),
    ("Accept", ["a{sv}", "1", "new-pin", "o", "/org/sealsd1"], "NotFound", "new-pin"),
    ("ChangePin", ["vv", "s", "1234", "s", "5678"], "InvalidArgs", "no PIN"),
    ("ChangePin", ["vv", "u", "1234", "s", "5678"], "InvalidArgs", "old"),
    ("ChangePin", ["vv", "s", "1234", "s", "x" * 2000], "LimitsExceeded", "new"),
    ("ChangePin", ["vv", "s", "1234", "o", "/"], "NotFound", "new"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "pin", "s", "1234"], "InvalidArgs", "no PIN"),
    ("Sign", ["aya{sv}", "32", *["1"] * 32, "1", "pin", "o", "/"], "NotFound", "pin"),
    ("Accept", ["a{sv}", "0"], "InvalidState", "active"),
    ("RecordFiling", ["a{sv}", "0"], "InvalidState", "active"),
    ("Deliver", ["s", "user:root"], "InvalidState", "active"),
    ("Decline", ["s", "no"], "InvalidState", "active"),
]

BEYOND_INT64 = str(1 << 63)  # the register's numbers have a sign

MANAGER_CASES = [
    ("Initialize", ["a{sv}", "0"], "AlreadyInitialized", ""),
    ("GetSeal", ["s", "no-such-seal"], "NotFound", ""),
    ("GetSeal", ["s", "A" * 33], "NotFound", ""),
    ("ListSeals", ["a{sv}", "1", "state", "s", "sleeping"], "InvalidArgs", "state"),
    ("ListSeals", ["a{sv}", "1", "limit", "u", "1001"], "LimitsExceeded", "limit"),
    ("ListSeals", ["a{sv}", "1", "expires-before", "t", str(2**63)], "InvalidArgs", "expires-before"),
    ("ListRequests", ["a{sv}", "1", "awaiting", "s", "you"], "InvalidArgs", "awaiting"),
    ("Answer", ["say", "nothing", "1", "0"], "NotFound", ""),
    ("ApproveMachineState", ["a{sv}", "0"], "ApprovalRequired", ""),
    ("ApproveMachineState", ["a{sv}", "1", "signature", "ay", "3", "1", "2", "3"],
     "ApprovalInvalid", ""),
    ("CreateSeal", ["a{sv}", "1", "name", "s", "x"], "InvalidState", "dual"),
]

APPLY_CASES = [
    (["a{sv}", "0"], "InvalidArgs", "name"),
    (["a{sv}", "1", "name", "s", "  "], "InvalidArgs", "name"),
    (["a{sv}", "1", "name", "s", "a\x1b[31mb"], "InvalidArgs", "name"),
    (["a{sv}", "1", "name", "s", "a\u202eb"], "InvalidArgs", "name"),
    (["a{sv}", "1", "name", "s", "x" * 257], "InvalidArgs", "name"),
    (["a{sv}", "2", "name", "s", "x", "name", "s", "y"], "InvalidArgs", "name"),
    (["a{sv}", "2", "name", "s", "x", "algorithm", "s", "rsa-4096"], "InvalidArgs", "rsa-3072"),
    (["a{sv}", "2", "name", "s", "x", "algorithm", "s", "rot13"], "InvalidArgs", "algorithm"),
    (["a{sv}", "2", "name", "s", "x", "pin", "s", "4711"], "InvalidArgs", "pin"),
    (["a{sv}", "2", "name", "s", "x", "backup", "b", "true"], "Unsupported", "backup"),
    (["a{sv}", "2", "name", "s", "x", "keepers", "as", "1", "user:no-such-user"], "InvalidArgs",
     "no-such-user"),
    (["a{sv}", "2", "name", "s", "x", "keepers", "as", "2", "user:root", "user:root"],
     "InvalidArgs", "keepers"),
    (["a{sv}", "2", "name", "s", "x", "not-after", "t", "1"], "InvalidArgs", "not-after"),
    (["a{sv}", "2", "name", "s", "x", "type", "s", "sealing-wax"], "InvalidArgs", "type"),
    (["a{sv}", "2", "name", "s", "x", "nonsense", "b", "true"], "InvalidArgs", "nonsense"),
    (["a{sv}", "2", "name", "s", "x", "not-before", "t", BEYOND_INT64], "InvalidArgs", "not-before"),
    (["a{sv}", "2", "name", "s", "x", "not-after", "t", BEYOND_INT64], "InvalidArgs", "not-after"),
    (["a{sv}", "2", "name", "s", "x", "use-limit", "t", BEYOND_INT64], "InvalidArgs", "use-limit"),
    (["a{sv}", "2", "name", "s", "x", "documents", "a(say)", "1", "Contract", "0"], "InvalidArgs",
     "documents"),
]


def call(box, path, interface, member, arguments, user=None):
    done = box.run(["/usr/bin/python3", box.call_error, path, f"org.sealsd1.{interface}", member,
                    *arguments], user)
    return done.stdout.strip(), done.stderr


@pytest.mark.parametrize("member,arguments,name,word", SEAL_CASES)
def test_bad_arguments_to_a_seal(shared, member, arguments, name, word):
    path = f"/org/sealsd1/seal/{shared['SEAL']}"
    got, text = call(shared, path, "Seal", member, arguments)
    assert got == name, text
    assert word in text


@pytest.mark.parametrize("member,arguments,name,word", MANAGER_CASES)
def test_bad_arguments_to_the_manager(shared, member, arguments, name, word):
    got, text = call(shared, "/org/sealsd1", "Manager", member, arguments)
    assert got == name, text
    assert word in text


@pytest.mark.parametrize("arguments,name,word", APPLY_CASES)
def test_bad_applications(shared, arguments, name, word):
    got, text = call(shared, "/org/sealsd1", "Manager", "Apply", arguments, "seal-applicant")
    assert got == name, text
    assert word in text


def test_request_number_beyond_what_the_register_counts_is_no_object(shared):
    for number in ("18446744073709551615", "18446744073709551616", BEYOND_INT64, "0", "01"):
        got, text = call(shared, f"/org/sealsd1/request/{number}", "Request", "Describe", [])
        assert got == "UnknownObject", (number, text)
    # Paging from there is no error: nothing comes after.
    rows, error = shared.manager("ListRequests", "a{sv}", 1, "limit", "u", 10)
    assert rows is not None, error


BIG = """
import sys
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection("SYSTEM")
def call(path, interface, member, signature, body):
    address = DBusAddress(path, bus_name="org.sealsd1", interface="org.sealsd1." + interface)
    reply = bus.send_and_get_reply(new_method_call(address, member, signature, body), timeout=60)
    print(member, reply.header.fields.get(4, "ok"), flush=True)
size = 10 * 1024 * 1024
call(sys.argv[1], "Seal", "Sign", "aya{sv}", (bytes(size), {}))
call(sys.argv[1], "Seal", "Sign", "aya{sv}", (bytes(32), {"document-name": ("s", "x" * size)}))
call(sys.argv[1], "Seal", "Sign", "aya{sv}", (bytes(32), {"x" * size: ("s", "x")}))
call(sys.argv[1], "Seal", "Revoke", "s", ("x" * size,))
call("/org/sealsd1", "Manager", "Answer", "say", ("x", bytes(size)))
call("/org/sealsd1", "Manager", "GetSeal", "s", ("1" * size,))
call("/org/sealsd1", "Manager", "ListSeals", "a{sv}", ({"name": ("s", "x" * size)},))
"""


def test_arguments_of_10_megabytes_get_an_error_by_name(shared):
    script = shared.write("big.py", BIG)
    out = shared.ok(["/usr/bin/python3", script, f"/org/sealsd1/seal/{shared['SEAL']}"])
    answers = [line.split() for line in out.splitlines()]
    assert len(answers) == 7
    for member, name in answers:
        assert name.rsplit(".", 1)[1] in ("InvalidArgs", "LimitsExceeded", "NotFound"), (member, name)
    assert shared.sign(shared["SEAL"])[0]
    assert shared.seal_property(shared["SEAL"], "State") == "active"


def test_secret_must_be_a_sealed_memfd_a_pipe_or_text(bare):
    script = bare.write("secret.py", """
import fcntl, os, socket, sys
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection("SYSTEM", enable_fds=True)
def call(name, fd, separation="nonsense"):
    address = DBusAddress("/org/sealsd1", bus_name="org.sealsd1", interface="org.sealsd1.Manager")
    reply = bus.send_and_get_reply(new_method_call(address, "Initialize", "a{sv}",
        ({"passphrase": ("h", fd), "separation": ("s", separation)},)), timeout=60)
    print(name, reply.header.fields.get(4, "ok"), reply.body[0] if reply.body else "", flush=True)
memfd = os.memfd_create("unsealed"); os.write(memfd, b"x" * 8); call("memfd-unsealed", memfd)
call("directory", os.open("/", os.O_RDONLY))
call("path", os.open("/etc/passwd", os.O_PATH))
call("file", os.open("/etc/passwd", os.O_RDONLY))
call("device", os.open("/dev/zero", os.O_RDONLY))
ends = socket.socketpair(); call("socket", ends[0].fileno())
big = os.memfd_create("big", os.MFD_ALLOW_SEALING); os.write(big, b"x" * 2000)
fcntl.fcntl(big, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
call("memfd-too-large", big)
r, w = os.pipe(); call("pipe-silent", r, "dual")
""")
    out = bare.ok(["/usr/bin/python3", script])
    answers = dict(line.split()[:2] for line in out.splitlines())
    assert answers.pop("memfd-too-large").endswith("LimitsExceeded")
    assert answers.pop("pipe-silent").endswith("Timeout")
    assert {name.rsplit(".", 1)[1] for name in answers.values()} == {"InvalidArgs"}, out
    assert bare.manager_property("State") == "uninitialized"
