# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every arrow of sealsd/arrow.h, in every mode that passes it, and what the next start does.

A whole run under crash-daemon tells which arrows a mode passes and how often; then the daemon dies at
each, the first time and the last, and the plain daemon goes on with the same register and chip. That is
what the other files of this name do, in one worker and before this one, which knows of all of them."""

import pathlib
import re

import pytest
from arrows import killed_at, listed_arrows

pytestmark = pytest.mark.xdist_group("test_arrows")


def test_every_arrow_has_killed_the_daemon(request):
    """Those that are in the list and in no test, or not in the code any more, are told here."""
    files = sorted(pathlib.Path(__file__).parent.glob("test_arrows_*.py"))
    assert files[-1] == pathlib.Path(__file__)
    written = {name for path in files for name in re.findall(r"(?m)^def (test_\w+)", path.read_text())}
    ran = {item.originalname for item in request.session.items if item.module.__name__.startswith("test_arrows_")}
    if written - ran:
        pytest.skip("only with all the other tests of these files")
    assert killed_at == listed_arrows()
