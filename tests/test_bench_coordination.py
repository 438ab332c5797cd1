"""A peer that cannot run is named and left out, and spoils nothing."""

import re
import sys
from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.bench_coordination import Comparison, Worker
from benchmarks.locks import PEERS
from tests.test_locks import ALL, pins


@pytest.mark.slow
def test_a_peer_that_cannot_run_is_named_with_the_reason_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Worker("broken", sys.executable, tmp_path / "broken.log")
    comparison = Comparison({"broken": broken})
    comparison.measure()
    assert comparison.rows == {}
    assert capsys.readouterr().out == "broken cannot run: KeyError: 'broken'\n"


def test_peers_that_cannot_be_installed_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "peers.lock"
    lock.write_text("dynalock==0.3.0\n", encoding="utf-8")
    monkeypatch.setattr(peers, "LOCK", lock)
    monkeypatch.setattr(peers, "ROOT", tmp_path)
    with pytest.raises(peers.NotInstalledError, match="hash"):
        peers.install()


def test_every_peer_is_pinned_with_hashes_and_stands_on_what_we_stand_on() -> None:
    pinned = pins("benchmarks/peers.lock")
    wanted = Path("benchmarks/peers.in").read_text(encoding="utf-8").splitlines()[1:]
    assert len(wanted) == len(PEERS) - 1
    names = {re.sub(r"[-_.]+", "-", pin).lower() for pin in pinned}
    assert {re.sub(r"[-_.]+", "-", pin).lower() for pin in wanted} <= names
    assert all(pinned.values())
    ours = {pin.split("==")[0]: pin for pin in ALL}
    shared = [pin for pin in pinned if pin.split("==")[0] in ours]
    assert len(shared) >= 3
    assert [pin for pin in shared if pin not in ALL] == []
