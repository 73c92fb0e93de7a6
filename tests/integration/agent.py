# SPDX-License-Identifier: Apache-2.0
"""Runs commands inside the sandbox for a test outside: one JSON object a line, in and out.

The test sends {"id", "argv", "user", "input", "env", "timeout"}; each command runs in a thread of its
own and is answered with {"id", "status", "stdout", "stderr"} when it ends. The first line out is the
environment. {"id", "pipe": true, …} starts a command whose standard input stays open:
{"id", "write": text} and {"id", "close": true} speak to it, and each line it prints is {"id", "line"}.
"""

import base64
import json
import os
import subprocess
import sys
import threading

lock = threading.Lock()
pipes = {}


def say(message):
    with lock:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def arguments(request):
    argv = request["argv"]
    user = request.get("user")
    if user:
        argv = ["setpriv", f"--reuid={user}", f"--regid={user}",
                request.get("groups", "--clear-groups"), "--", *argv]
    return argv


def run(request):
    environment = {**os.environ, **request.get("env", {})}
    data = base64.b64decode(request.get("input", ""))
    try:
        done = subprocess.run(arguments(request), input=data, capture_output=True, env=environment,
                              timeout=request.get("timeout", 120), check=False)
        status, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as error:
        status, out, err = 124, error.stdout or b"", (error.stderr or b"") + b"\ntimed out\n"
    except OSError as error:
        status, out, err = 127, b"", str(error).encode()
    say({"id": request["id"], "status": status, "stdout": base64.b64encode(out).decode(),
         "stderr": base64.b64encode(err).decode()})


def pipe(request):
    process = subprocess.Popen(arguments(request), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, **request.get("env", {})})
    pipes[request["id"]] = process
    say({"id": request["id"], "started": process.pid})
    for line in process.stdout:
        say({"id": request["id"], "line": line.rstrip("\n")})
    say({"id": request["id"], "status": process.wait()})


def main():
    say({"environment": dict(os.environ)})
    for line in sys.stdin:
        request = json.loads(line)
        if "write" in request:
            process = pipes[request["id"]]
            process.stdin.write(request["write"])
            process.stdin.flush()
        elif "close" in request:
            pipes[request["id"]].stdin.close()
        elif "kill" in request:
            pipes[request["id"]].kill()
        else:
            target = pipe if request.get("pipe") else run
            threading.Thread(target=target, args=(request,), daemon=True).start()


main()
