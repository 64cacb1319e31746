"""Python in a process of its own: for what would strike or change the test's own."""

import subprocess
import sys


def run_python(*arguments):
    """Run Python so, warnings being errors, and return the completed process."""
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603


def assert_runs_silently(*arguments):
    """Run Python so; it must end well and without a word."""
    done = run_python(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == ""
