# SPDX-License-Identifier: Apache-2.0
"""D-Bus messages written byte by byte, and a connection that sends whatever it is given.

A client library refuses to build what its peer must refuse: keys that repeat, values of another type
than the signature says, either byte order, descriptors that nobody asked for. What comes back is read
with jeepney. D-Bus specification, "Message Protocol".
"""

import array
import os
import re
import select
import socket
import struct

from jeepney.low_level import HeaderFields, MessageType, Parser

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
NO_REPLY_EXPECTED, NO_AUTO_START = 1, 2
FIXED = {"y": "B", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d", "b": "I",
         "h": "I"}
ALIGNMENT = {"y": 1, "n": 2, "q": 2, "s": 4, "o": 4, "g": 1, "v": 1, "x": 8, "t": 8, "d": 8, "(": 8,
             "{": 8}
FIELD_TYPES = {"path": (1, "o"), "interface": (2, "s"), "member": (3, "s"), "error_name": (4, "s"),
               "reply_serial": (5, "u"), "destination": (6, "s"), "sender": (7, "s"),
               "signature": (8, "g"), "unix_fds": (9, "u")}


def split(signature):
    """The complete types of a signature."""
    types, begin, i, depth = [], 0, 0, 0
    while i < len(signature):
        c = signature[i]
        depth += c in "({"
        depth -= c in ")}"
        i += 1
        if depth == 0 and c != "a":
            types.append(signature[begin:i])
            begin = i
    return types


class Writer:
    """Marshals by signature: struct and array as sequences, dict as pairs, variant as (type, value)."""

    def __init__(self, big=False):
        self.order = ">" if big else "<"
        self.out = bytearray()

    def pad(self, n):
        self.out += bytes(-len(self.out) % n)

    def fixed(self, code, value):
        self.pad(struct.calcsize(code))
        self.out += struct.pack(self.order + code, value)

    def text(self, value, code="I"):
        data = value if isinstance(value, bytes) else value.encode()
        self.fixed(code, len(data))
        self.out += data + b"\0"

    def array(self, kind, items):
        self.fixed("I", 0)
        at = len(self.out)
        self.pad(ALIGNMENT.get(kind[0], 4))
        begin = len(self.out)
        if kind == "y":
            self.out += bytes(items)
        else:
            for item in items:
                self.value(kind, item)
        struct.pack_into(self.order + "I", self.out, at - 4, len(self.out) - begin)

    def value(self, kind, value):
        c = kind[0]
        if c in FIXED:
            self.fixed(FIXED[c], value)
        elif c in "so":
            self.text(value)
        elif c == "g":
            self.text(value, "B")
        elif c == "v":
            self.text(value[0], "B")
            self.value(value[0], value[1])
        elif c == "a":
            self.array(kind[1:], value)
        else:
            self.pad(8)
            self.values(kind[1:-1], value)

    def values(self, signature, values):
        for kind, value in zip(split(signature), values, strict=True):
            self.value(kind, value)


def message(serial, kind=CALL, signature="", body=(), flags=0, big=False, fds=0, **fields):
    """The bytes of one message; fields are those of FIELD_TYPES."""
    content = Writer(big)
    content.values(signature, body)
    if signature:
        fields["signature"] = signature
    if fds:
        fields["unix_fds"] = fds
    out = Writer(big)
    out.values("yyyyuu", (ord("B" if big else "l"), kind, flags, 1, len(content.out), serial))
    out.array("(yv)", [(FIELD_TYPES[name][0], (FIELD_TYPES[name][1], value))
                       for name, value in fields.items()])
    out.pad(8)
    return bytes(out.out + content.out)


class Closed(Exception):
    """The bus has closed the connection."""


class Connection:
    """To the system bus."""

    def __init__(self, address=None):
        address = address or os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(re.match("unix:path=([^,;]*)", address).group(1))
        self.parser = Parser()
        self.serial = 0
        self.authenticate()
        self.name = self.call(destination="org.freedesktop.DBus", path="/org/freedesktop/DBus",
                              interface="org.freedesktop.DBus", member="Hello").body[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def authenticate(self):
        self.socket.sendall(b"\0AUTH EXTERNAL %s\r\n" % str(os.getuid()).encode().hex().encode())
        assert self.line().startswith(b"OK")
        self.socket.sendall(b"NEGOTIATE_UNIX_FD\r\n")
        assert self.line() == b"AGREE_UNIX_FD\r\n"
        self.socket.sendall(b"BEGIN\r\n")

    def line(self):
        line = b""
        while not line.endswith(b"\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                raise Closed
            line += byte
        return line

    def send(self, fds=(), **parts):
        """The serial."""
        self.serial += 1
        self.send_bytes(message(self.serial, fds=len(fds), **parts), fds)
        return self.serial

    def send_bytes(self, data, fds=()):
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            sent = self.socket.sendmsg([data], ancillary)
            self.socket.sendall(memoryview(data)[sent:])
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error

    def receive(self, timeout=60):
        """The next message, None when the time is over."""
        while True:
            found = self.parser.get_next_message()
            if found is not None:
                return found
            if not select.select([self.socket], [], [], timeout)[0]:
                return None
            try:
                data = self.socket.recv(1 << 20)
            except ConnectionResetError as error:
                raise Closed from error
            if not data:
                raise Closed
            self.parser.add_data(data)

    def call(self, timeout=60, **parts):
        """Send and wait for the answer to it; what comes in between is dropped."""
        serial = self.send(**parts)
        while True:
            answer = self.receive(timeout)
            if answer is None:
                raise TimeoutError(parts)
            if answer.header.fields.get(HeaderFields.reply_serial) == serial:
                return answer


def error_of(answer):
    """(name, text) of an error, (None, None) of any other message."""
    if answer.header.message_type != MessageType.error:
        return None, None
    return (answer.header.fields[HeaderFields.error_name],
            answer.body[0] if answer.body and isinstance(answer.body[0], str) else "")
