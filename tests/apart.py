"""Python in a process of its own: for what would strike or change the test's own."""

import subprocess
import sys


def apart(*arguments):
    """Run Python so, warnings being errors; gives what it came to."""
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603


def assert_good(*arguments):
    """Run Python so; it must end well and without a word."""
    run = apart(*arguments)
    assert run.returncode == 0, run.stderr
    assert run.stdout + run.stderr == ""
