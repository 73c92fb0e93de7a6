# SPDX-License-Identifier: Apache-2.0
"""Faults for the daemon, or for tpm2-abrmd before the simulator: the control block of tests/inject/inject.h.

The block is a file that pytest maps; tests/sandbox binds it to where the instruments find it. So all
of this works without a call into the sandbox:

    box = new_sandbox("--ready", inject=Inject(tmp_path / "sealsd"), inject_chip=Inject(tmp_path / "chip"))
    box.inject.arm(COMMAND, nth=3, how=REFUSE, code=0x902)
    ...
    box.inject.disarm()
    assert box.inject.fired(COMMAND) == 1
    with box.inject.counting() as codes: ...
"""

import contextlib
import ctypes
import mmap
import os
import subprocess

ALLOCATION, STEP, COMMAND = range(3)

# How a TPM command fails (InjectHow).
(REFUSE, LOSE_COMMAND, LOSE_ANSWER, ALTER_COMMAND, ALTER_ANSWER, REPLACE, ANSWER_REFUSAL) = range(7)

# Result codes of SQLite that a step fails with (sqlite3.h).
SQLITE_BUSY, SQLITE_IOERR_WRITE, SQLITE_FULL = 5, 10 | 3 << 8, 13

MAGIC = 0x315443454A4E4921
FIRST_CODE, CODES, RING, PATTERN_MAX, FRAMES, MODULE_MAX, PATHS = 0x100, 256, 4096, 64, 20, 40, 32768


class Frame(ctypes.Structure):
    _fields_ = [("offset", ctypes.c_uint64), ("module", ctypes.c_char * MODULE_MAX)]


class Fault(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint64) for name in ("seen", "since", "fired", "nth", "struck")),
        *((name, ctypes.c_uint32) for name in ("armed", "lasting", "new_paths", "reserved", "how",
                                               "code", "only")),
        ("offset", ctypes.c_int32), ("mask", ctypes.c_uint32), ("pattern_size", ctypes.c_uint32),
        ("pattern", ctypes.c_uint8 * PATTERN_MAX), ("replacement", ctypes.c_uint8 * PATTERN_MAX),
        ("frames", Frame * FRAMES),
    ]


class Control(ctypes.Structure):
    _fields_ = [
        ("magic", ctypes.c_uint64), ("size", ctypes.c_uint64), ("faults", Fault * 3),
        ("starts", ctypes.c_uint64), ("ends", ctypes.c_uint64),
        ("live_count", ctypes.c_int64), ("live_bytes", ctypes.c_int64),
        ("commands", ctypes.c_uint64), ("answers", ctypes.c_uint64),
        ("per_code", ctypes.c_uint64 * CODES), ("ring", ctypes.c_uint32 * RING),
        ("paths", ctypes.c_uint64 * PATHS),
    ]


class Inject:
    """One control block. The file is made; its instruments come with the sandbox that is given it."""

    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as file:
            file.truncate(ctypes.sizeof(Control))
            self.map = mmap.mmap(file.fileno(), ctypes.sizeof(Control))
        os.chmod(path, 0o666)  # sealsd and tss write to it
        self.control = Control.from_buffer(self.map)
        self.control.size = ctypes.sizeof(Control)
        self.control.magic = MAGIC

    # --- faults ---------------------------------------------------------------------------------

    def arm(self, kind, nth=1, *, how=0, code=0, only=0, lasting=False, new_paths=False, offset=0,
            mask=0xFF, pattern=b"", replacement=b""):
        """The nth event from now on fails, with lasting every one from there.

        With new_paths: the first one from the nth on whose callers met no fault since forget_paths().

        how: of a step, SQLite's result code; of a command REFUSE and so on. code: the TPM's response
        code. only: count and strike this command code alone. offset, mask: the byte to alter, negative
        from the end. pattern, replacement: of REPLACE, which strikes only commands with the pattern.
        """
        assert len(pattern) == len(replacement) <= PATTERN_MAX
        fault = self.control.faults[kind]
        fault.armed = 0
        fault.since = fault.fired = fault.struck = 0
        fault.new_paths = new_paths
        fault.nth, fault.how, fault.code, fault.only, fault.lasting = nth, how, code, only, lasting
        fault.offset, fault.mask, fault.pattern_size = offset, mask, len(pattern)
        fault.pattern[:len(pattern)] = pattern
        fault.replacement[:len(pattern)] = replacement
        ctypes.memset(fault.frames, 0, ctypes.sizeof(fault.frames))
        fault.armed = 1

    def disarm(self):
        for fault in self.control.faults:
            fault.armed = 0

    def fired(self, kind):
        """How many events failed since the last arm()."""
        return self.control.faults[kind].fired

    def since(self, kind):
        """How many events there were since the last arm(), while armed."""
        return self.control.faults[kind].since

    def struck(self, kind):
        """Which event since arm() was the first to fail; 0: none did."""
        return self.control.faults[kind].struck

    def forget_paths(self):
        ctypes.memset(self.control.paths, 0, ctypes.sizeof(self.control.paths))

    def where(self, kind, build):
        """The functions that met the first event that failed, innermost first, for a message."""
        lines = []
        for frame in self.control.faults[kind].frames:
            if not frame.offset:
                break
            module = frame.module.decode(errors="replace")
            if module:
                lines.append(f"{os.path.basename(module)}+{frame.offset:#x}")
                continue
            done = subprocess.run(["addr2line", "-Cfpse", f"{build}/sealsd", hex(frame.offset - 1)],
                                  capture_output=True, text=True, check=False)
            lines.append(done.stdout.strip() or hex(frame.offset))
        return "\n".join(lines)

    def running(self):
        """Whether the daemon is between its start and an end in order; a crash leaves it so."""
        return self.control.starts != self.control.ends

    # --- counts ---------------------------------------------------------------------------------

    def seen(self, kind):
        """Events of this kind since the block was made."""
        return self.control.commands if kind == COMMAND else self.control.faults[kind].seen

    def commands(self):
        """TPM commands since the block was made."""
        return self.control.commands

    def per_code(self):
        """TPM commands by code since the block was made, those that came; 0x1ff: any other."""
        return {FIRST_CODE + i: n for i, n in enumerate(self.control.per_code) if n}

    def codes(self, since=0):
        """The codes of the commands after the first `since`, in order; at most the last 4096."""
        end = self.control.commands
        assert end - since <= RING, "too many commands to remember"
        return [self.control.ring[n % RING] for n in range(since, end)]

    @contextlib.contextmanager
    def counting(self):
        """A list, filled at the end of the block with the codes of the commands that came in it."""
        found, before = [], self.control.commands
        yield found
        found += self.codes(before)

    def live(self):
        """Allocations that were not freed: (count, bytes). Since the daemon's start."""
        return self.control.live_count, self.control.live_bytes
