"""A mount namespace of its own for a test that mounts: when it ends, in whatever way, nothing stays mounted."""

import os
import subprocess
import sys

MARK = "ZCHAT_OWN_MOUNTS"


def own_mounts():
    """Starts the program again in a namespace of its own. Returns "" when it is there, or why that cannot be."""
    if os.environ.pop(MARK, None):
        return ""
    if os.geteuid() != 0:
        return "needs root"
    command = ["unshare", "-m", "--propagation", "private"]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unshare is not installed"
    if tried.returncode != 0:
        return tried.stderr.strip()
    os.environ[MARK] = "1"
    sys.stdout.flush()
    os.execvp(command[0], [*command, sys.executable, *sys.argv])
    return ""
