# SPDX-License-Identifier: Apache-2.0
"""Run as polkitd: takes polkit's name and never answers a question. Prints a JSON object a line: each question with
its action, details and flags, and each question that is withdrawn."""

import json

from jeepney import MessageType
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

NAME = "org.freedesktop.PolicyKit1"


def say(**what):
    print(json.dumps(what), flush=True)


def main():
    with open_dbus_connection("SYSTEM") as bus:
        reply = bus.send_and_get_reply(message_bus.RequestName(NAME))
        say(ready=reply.header.message_type == MessageType.method_return)
        while True:
            message = bus.receive()
            if message.header.message_type != MessageType.method_call:
                continue
            member = message.header.fields[3]
            if member == "CheckAuthorization":
                subject, action, details, flags, number = message.body
                say(ask=action, subject=subject[0], details=details, flags=flags, number=number)
            elif member == "CancelCheckAuthorization":
                say(cancel=message.body[0])


main()
