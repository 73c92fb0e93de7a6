# SPDX-License-Identifier: Apache-2.0
"""docs/lifecycle.md shows the table that the daemon decides by."""

import os
import pathlib
import subprocess

from conftest import ROOT

PAGE = (ROOT / "docs/lifecycle.md").read_text()


def test_manual_shows_what_the_table_prints():
    program = pathlib.Path(os.environ.get("SEALSD_BUILD", ROOT / "build")) / "tools/lifecycle-table"
    printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    shown = PAGE.split("<!-- lifecycle-table -->\n")[1].split("<!-- end -->")[0]
    assert shown == printed
