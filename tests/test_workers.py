"""Check that workers do not outlive the process that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kdgan_lib.workers import UNGUARDED, worker_pool

PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
from test_workers import count
from kdgan_lib.workers import worker_pool

if __name__ == "__main__":
    with worker_pool(1) as pool:
        pool.submit(count, {mark!r}).result()
"""
PATIENCE = 60


def count(mark):
    """Work for longer than any test waits, and show it."""
    for done in range(100 * PATIENCE):
        Path(mark).write_text(str(done))
        time.sleep(0.1)


def prepared():
    os.environ["KDGAN_PREPARED"] = "yes"


def asked():
    return os.environ.get("KDGAN_PREPARED")


def blocked():
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def stands_still(mark):
    before = mark.read_text()
    time.sleep(1)
    return mark.read_text() == before


def test_a_worker_ends_when_its_parent_is_killed(tmp_path):
    mark, program = tmp_path / "mark", tmp_path / "program.py"
    folder = str(Path(__file__).parent)
    program.write_text(PROGRAM.format(folder=folder, mark=str(mark)))
    parent = subprocess.Popen([sys.executable, str(program)])
    until(mark.exists)
    assert not stands_still(mark)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until(lambda: stands_still(mark))


def test_a_worker_is_prepared_before_it_works():
    with worker_pool(1, prepared) as pool:
        assert pool.submit(asked).result() == "yes"


def test_a_worker_takes_no_notice_of_ctrl_c_from_its_start_on():
    with worker_pool(1) as pool:
        first = pool.submit(os.getpid)
        (worker,) = pool._processes
        os.kill(worker, signal.SIGINT)  # it still imports
        assert first.result() == worker
        os.kill(worker, signal.SIGINT)
        assert pool.submit(blocked).result() == set()
        assert pool.submit(os.getpid).result() == worker


def test_an_interrupted_pool_ends_its_workers_in_their_work(tmp_path):
    mark = tmp_path / "mark"

    def interrupted():
        with worker_pool(1) as pool:
            pool.submit(count, str(mark))
            until(mark.exists)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stands_still(mark)


@pytest.mark.parametrize("count", [0, 257, 10**9])
def test_a_pool_of_nobody_or_of_more_than_a_machine_holds_is_refused(count):
    with pytest.raises(ValueError, match=f"workers must be from 1 to 256, not {count}"):
        worker_pool(count)


def test_a_script_without_a_guard_is_told_what_it_lacks(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        PROGRAM.replace('if __name__ == "__main__":', "if True:").format(
            folder=str(Path(__file__).parent), mark=str(tmp_path / "mark")
        )
    )
    ended = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.stderr.startswith(UNGUARDED + "\n")  # by the worker
    assert ended.returncode == 1
    assert not (tmp_path / "mark").exists()
