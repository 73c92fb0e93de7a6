# SPDX-License-Identifier: Apache-2.0
"""lying_daemon.py ADDRESS FACTS: owns org.sealsd1 on that bus and answers Challenge with the facts of the
file (JSON, each as [signature, value], bytes in hex). Prints the member of each call, of Authorize also
the signature in hex."""

import json
import sys

from jeepney import MessageType, message_bus, new_method_return
from jeepney.io.blocking import open_dbus_connection


def facts(path):
    with open(path) as file:
        told = json.load(file)
    return {name: (signature, unhexed(signature, value)) for name, (signature, value) in told.items()}


def unhexed(signature, value):
    if signature == "aay":
        return [bytes.fromhex(one) for one in value]
    return bytes.fromhex(value) if signature == "ay" else value


def main():
    with open_dbus_connection(sys.argv[1]) as bus:
        bus.send_and_get_reply(message_bus.RequestName("org.sealsd1"))
        print("ready", flush=True)
        while True:
            message = bus.receive()
            if message.header.message_type != MessageType.method_call:
                continue
            member = message.header.fields[3]
            signature = bytes(message.body[1]).hex() if member == "Authorize" else ""
            print(f"{member} {signature}".strip(), flush=True)
            if member == "Challenge":
                bus.send(new_method_return(message, "a{sv}", (facts(sys.argv[2]),)))
            elif member == "Describe":
                bus.send(new_method_return(message, "s", ("{}",)))
            else:
                bus.send(new_method_return(message))


main()
