"""The command line in a process of its own."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable

Linter = Callable[..., "subprocess.CompletedProcess[str]"]


def obey_permissions() -> None:
    """In a child: root too may then write only where the mode says so."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE; refused to all but root
