# SPDX-License-Identifier: Apache-2.0
"""table.py: JSON objects, one a line, as a table: a row for each key, a column for each object."""

import json
import sys

COUNTS = {"asked", "seals", "rows", "findings", "breaks"}
BYTES = {"size": 1, "export size": 1, "memory": 1024, "offline verify memory": 1024}


def show(key, value):
    if value is None or key in COUNTS:
        return "-" if value is None else f"{value:,}"
    if key in BYTES:
        return f"{value * BYTES[key] / 1e6:,.1f} MB"
    return f"{value * 1000:,.2f} ms" if value < 1 else f"{value:,.2f} s"


def main():
    results = [json.loads(line) for line in sys.stdin if line.startswith("{")]
    keys = list(dict.fromkeys(key for result in results for key in result))
    for key in keys:
        print(f"{key:24}" + "".join(f"{show(key, r.get(key)):>16}" for r in results))


main()
