# SPDX-License-Identifier: Apache-2.0
"""docs/inspection.md has every finding, with its severity and meaning, in the list's order."""

import re

from conftest import ROOT


def listed():
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "sealsd/inspection.def").read_text(), flags=re.S)
    return [(word, severity.lower(), meaning) for word, severity, meaning in
            re.findall(r'FINDING\(\w+,\s*"([^"]+)",\s*(\w+),\s*"([^"]+)"\)', text)]


def test_the_manual_has_the_findings_of_the_list():
    manual = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| ([^|]+) \| [^|]+ \|$",
                        (ROOT / "docs/inspection.md").read_text(), re.M)
    assert len(listed()) > 30
    assert manual == listed()
