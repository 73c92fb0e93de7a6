# SPDX-License-Identifier: Apache-2.0
"""Fixtures: sandboxes of tests/sandbox, driven from outside through agent.py."""

import base64
import itertools
import json
import os
import pathlib
import queue
import re
import shlex
import subprocess
import threading

import pytest

from approving import ALICE, BOB, CAROL, opened
from inject import Inject

ROOT = pathlib.Path(__file__).resolve().parents[2]
AGENT = ROOT / "tests/integration/agent.py"
CALL_ERROR = ROOT / "tests/integration/call_error.py"
WATCH = ROOT / "tests/integration/watch.py"
# Longest wait, in seconds, for anything; an instrument makes programs many times slower.
PATIENCE = 120 * int(os.environ.get("SEALSD_SLOWNESS", "1"))


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: measures time, or races with a clock: run-check runs it when "
                                       "nothing else does")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Names())


# --- several worker processes (pytest-xdist) --------------------------------------------------------

def shares_with_its_module(item):
    definitions = itertools.chain.from_iterable(item._fixtureinfo.name2fixturedefs.values())
    return any(definition.scope == "module" for definition in definitions)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Those that share a sandbox go to one worker, and first, since the others fill the gaps at the end."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        if shares_with_its_module(item) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


class Names:
    """Where results come together: a test is named as pytest takes it, without its group."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        report.nodeid = re.sub(r"@\w+$", "", report.nodeid)


class Done:
    """What a command came to. Text unless asked otherwise."""

    def __init__(self, message):
        self.status = message["status"]
        self.returncode = self.status
        self.bytes = base64.b64decode(message["stdout"])
        self.stdout = self.bytes.decode(errors="replace")
        self.stderr = base64.b64decode(message["stderr"]).decode(errors="replace")

    def __repr__(self):
        return f"<status {self.status}: {self.stdout!r} {self.stderr!r}>"


class Pipe:
    """A command inside the sandbox that is spoken to line by line."""

    def __init__(self, sandbox, number, inbox):
        self.sandbox, self.number, self.inbox = sandbox, number, inbox
        self.pid = self.get()["started"]

    def get(self, timeout=PATIENCE / 2):
        return self.inbox.get(timeout=timeout)

    def line(self, timeout=PATIENCE / 2):
        message = self.get(timeout)
        assert "line" in message, message
        return message["line"]

    def write(self, text):
        self.sandbox.send({"id": self.number, "write": text})

    def wait(self, timeout=PATIENCE / 2):
        """The status, lines that were not read dropped."""
        while True:
            message = self.get(timeout)
            if "status" in message:
                return message["status"]

    def signal(self, member):
        """Of Sandbox.watch: the next signal of this name, others dropped."""
        while True:
            message = json.loads(self.line())
            if message["member"] == member:
                return message

    def kill(self):
        self.sandbox.send({"id": self.number, "kill": True})


class Sandbox:
    """One run of tests/sandbox."""

    def __init__(self, *options, conf=None, inject=None, inject_chip=None):
        """inject, inject_chip: an Inject (inject.py) for sealsd, for tpm2-abrmd."""
        environment = dict(os.environ)
        environment.setdefault("SEALSD_BUILD", str(ROOT / "build"))
        environment.pop("TSS2_LOG", None)  # some tests read what the TSS says of the chip
        self.build = environment["SEALSD_BUILD"]
        if conf:
            environment["SEALSD_EXTRA_CONF"] = str(conf)
        self.inject, self.inject_chip = inject, inject_chip
        if inject:
            environment["SEALSD_INJECT"] = str(inject.path)
        if inject_chip:
            environment["SEALSD_INJECT_CHIP"] = str(inject_chip.path)
        self.process = subprocess.Popen(
            [str(ROOT / "tests/sandbox"), *options, "/usr/bin/python3", str(AGENT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.numbers = itertools.count(1)
        self.inboxes = {}
        first = self.process.stdout.readline()
        assert first, f"the sandbox did not start (status {self.process.wait()})"
        self.environment = json.loads(first)["environment"]
        threading.Thread(target=self.listen, daemon=True).start()
        # The clone may be in a folder that the test users cannot enter.
        self.call_error = self.write("call_error.py", CALL_ERROR.read_bytes())
        self.watcher = self.write("watch.py", WATCH.read_bytes())

    def listen(self):
        for line in self.process.stdout:
            message = json.loads(line)
            self.inboxes[message["id"]].put(message)

    def send(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def close(self):
        """End it; its own status tells what a sanitizer found."""
        self.process.stdin.close()
        return self.process.wait(timeout=PATIENCE)

    def __getitem__(self, name):
        return self.environment[name]

    def start(self, command, user=None, data=b"", env=None, timeout=PATIENCE, **more):
        """Begin a command; the inbox receives its Done."""
        argv = command if isinstance(command, list) else ["bash", "-ec", command]
        number = next(self.numbers)
        self.inboxes[number] = queue.Queue()
        if isinstance(data, str):
            data = data.encode()
        self.send({"id": number, "argv": [str(a) for a in argv], "user": user,
                   "input": base64.b64encode(data).decode(), "env": env or {},
                   "timeout": timeout, **more})
        return number

    def finish(self, number, timeout=PATIENCE + 60):
        return Done(self.inboxes[number].get(timeout=timeout))

    def run(self, command, user=None, **more):
        """Run a command (list, or text for bash) as root or as user; never raises."""
        return self.finish(self.start(command, user, **more))

    def ok(self, command, user=None, **more):
        """Run, and expect success: its standard output."""
        done = self.run(command, user, **more)
        assert done.status == 0, done
        return done.stdout

    def pipe(self, command, user=None, **more):
        argv = command if isinstance(command, list) else ["bash", "-ec", command]
        number = next(self.numbers)
        self.inboxes[number] = queue.Queue()
        self.send({"id": number, "argv": [str(a) for a in argv], "user": user, "pipe": True, **more})
        return Pipe(self, number, self.inboxes[number])

    # --- the bus --------------------------------------------------------------------------------

    def bus(self, path, interface, member, *arguments, user=None, timeout=PATIENCE):
        """busctl call, --json=short: (data or None, error text)."""
        argv = ["busctl", "--json=short", f"--timeout={timeout}", "call", "--", "org.sealsd1", path,
                f"org.sealsd1.{interface}", member, *[str(a) for a in arguments]]
        done = self.run(argv, user)
        if done.status != 0:
            return None, done.stderr
        return (json.loads(done.stdout)["data"] if done.stdout.strip() else []), ""

    def manager(self, member, *arguments, user=None):
        return self.bus("/org/sealsd1", "Manager", member, *arguments, user=user)

    def request(self, number, member, *arguments, user=None):
        return self.bus(f"/org/sealsd1/request/{number}", "Request", member, *arguments, user=user)

    def seal(self, number, member, *arguments, user=None):
        return self.bus(f"/org/sealsd1/seal/{number}", "Seal", member, *arguments, user=user)

    def property(self, path, interface, name, user=None):
        done = self.run(["busctl", "--json=short", "get-property", "org.sealsd1", path,
                         f"org.sealsd1.{interface}", name], user)
        assert done.status == 0, done
        return json.loads(done.stdout)["data"]

    def manager_property(self, name, user=None):
        return self.property("/org/sealsd1", "Manager", name, user)

    def seal_property(self, number, name, user=None):
        return self.property(f"/org/sealsd1/seal/{number}", "Seal", name, user)

    def error(self, path, interface, member, *arguments, user=None):
        """Call and expect an error: its name without the prefix, found out with gdbus's spelling."""
        return self.ok(["/usr/bin/python3", self.call_error, path, f"org.sealsd1.{interface}", member,
                        *arguments], user).strip()

    def watch(self, user=None, subscribe=True):
        """A pipe that has begun to print sealsd's signals, each a JSON object with path, member, body."""
        pipe = self.pipe(["/usr/bin/python3", self.watcher, *(["subscribe"] if subscribe else [])],
                         user)
        assert pipe.line() == "ready"
        return pipe

    # --- steps ----------------------------------------------------------------------------------

    def ctl(self, *words):
        return self.ok(f"$SEALSD_CTL {' '.join(words)}")

    def restart_ahead(self, words):
        """sealsd with a wall clock of its own (tests/tools/clock-daemon): "--days 4 --hours 2"."""
        self.ctl("stop")
        self.ok("$SEALSD_CTL start", env={"SEALSD_PROGRAM": f"clock-daemon {words}"})

    def step_clock(self):
        """That clock, by the hours that it was started with."""
        self.ok("kill -USR1 $($SEALSD_CTL pid)")

    def usage(self, name):
        """Of the sandbox's process of this name: private memory in KiB, open files."""
        pid = self.ok(f"cat /run/sealsd-sandbox/{name}.pid").strip()
        rollup = self.ok(f"cat /proc/{pid}/smaps_rollup")
        return {"pid": pid, "memory": int(re.search(r"Anonymous: +(\d+)", rollup).group(1)),
                "files": int(self.ok(f"ls /proc/{pid}/fd | wc -l"))}

    def is_sanitized(self):
        """Freed memory is kept for a while then; what is lost the sanitizer says at the end."""
        return self.run("grep -q libasan /proc/$($SEALSD_CTL pid)/maps").status == 0

    def pcr_extend(self, number, value="11" * 32):
        self.ok(f"tpm2_pcrextend {number}:sha256={value}")

    def temp(self, name):
        """A path inside the sandbox that every user may read and write beside."""
        self.ok("install -d -m 1777 /run/test")
        return f"/run/test/{name}"

    def write(self, name, data):
        path = self.temp(name)
        self.ok(f"cat > {shlex.quote(path)} && chmod 0644 {shlex.quote(path)}", data=data)
        return path

    def make_seal(self, name="Test Seal", keeper="root", accept=True, holder=None):
        """Dual: apply, approve, accept through the real users; the number."""
        path = self.ok(["busctl", "--json=short", "call", "--", "org.sealsd1", "/org/sealsd1",
                        "org.sealsd1.Manager", "Apply", "a{sv}", "3", "name", "s", name, "holder", "s", holder or name,
                        "keepers", "as", "1", f"user:{keeper}"], self["SEAL_APPLICANT"])
        request = json.loads(path)["data"][0].rsplit("/", 1)[1]
        data, error = self.request(request, "Approve", "sa{sv}", "seen", "0",
                                   user=self["SEAL_REVIEWER"])
        assert data is not None, error
        number = self.property(f"/org/sealsd1/request/{request}", "Request", "Seal")
        if accept:
            data, error = self.seal(number, "Accept", "a{sv}", "0",
                                    user=None if keeper == "root" else keeper)
            assert data is not None, error
        return number

    def sign(self, number, digest=bytes(range(32)), user=None):
        """(signature or None, use or error text)"""
        data, error = self.seal(number, "Sign", "aya{sv}", len(digest), *digest, 0, user=user)
        if data is None:
            return None, error
        return bytes(data[0]), data[1]

    def verify(self, number, digest, signature):
        """With the openssl command and the seal's PublicKey."""
        key = self.write("key.der", bytes(self.seal_property(number, "PublicKey")))
        doc = self.write("digest.bin", digest)
        sig = self.write("signature.der", signature)
        done = self.run(f"openssl pkeyutl -verify -pubin -keyform DER -inkey {key} -in {doc} "
                        f"-sigfile {sig}")
        return done.status == 0 and "Verified Successfully" in done.stdout


@pytest.fixture
def new_sandbox(tmp_path):
    """A factory: sandboxes that are closed at the end, and must have ended well."""
    made = []

    def make(*options, conf=None, **more):
        if conf:
            path = tmp_path / f"conf-{len(made)}"
            path.write_text(conf)
            conf = path
        made.append(Sandbox(*options, conf=conf, **more))
        return made[-1]

    yield make
    statuses = [s.close() for s in made]
    assert statuses == [0] * len(made)


@pytest.fixture
def sandbox(new_sandbox):
    """Initialized, with one active seal kept by root."""
    return new_sandbox("--ready")


@pytest.fixture
def bare(new_sandbox):
    """Not initialized."""
    return new_sandbox()


@pytest.fixture
def direct(new_sandbox, tmp_path):
    """A tap between sealsd and the simulator, the rest of the instruments in sealsd."""
    return new_sandbox("--ready", "--tcti", "swtpm", inject=Inject(tmp_path / "control"))


@pytest.fixture
def behind(new_sandbox, tmp_path):
    """A tap on either side of tpm2-abrmd."""
    return new_sandbox("--ready", inject=Inject(tmp_path / "sealsd"),
                       inject_chip=Inject(tmp_path / "chip"))


@pytest.fixture(scope="module")
def shared():
    """One ready sandbox for all tests of a module that leave no marks that matter."""
    box = Sandbox("--ready")
    yield box
    assert box.close() == 0


@pytest.fixture(scope="module")
def uses():
    """An initialized sandbox for all tests of a module about uses that approvers sign for."""
    box = Sandbox()
    yield opened(box)
    assert box.close() == 0


@pytest.fixture(scope="module")
def three(uses):
    """Approvers."""
    return uses.approvers(ALICE, BOB, CAROL)


def words(text):
    """Words of a bus error text, for messages that are not part of the contract."""
    return re.findall(r"\w+", text.lower())
