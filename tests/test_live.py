"""A chapter says which runs are stored, and why others are not."""

from kdgan_lib import live
from kdgan_lib.grids import GRIDS


def test_what_failed_under_profile_paper_is_said_once(runs_folder, monkeypatch):
    planned = GRIDS["table3"]("paper")
    full = "The disk is full: free some space."
    monkeypatch.setattr(
        live, "sweep", lambda grid, *_: {run.id: full for run in planned[:2]}
    )
    told = live.ensure_runs("table3", "paper")
    count = len(planned)
    assert told == f"0 of the {count} runs of `table3` are stored. Failed: {full}"
    monkeypatch.setattr(live, "sweep", lambda *_: {})
    assert "Failed" not in live.ensure_runs("table3", "paper")


def test_below_profile_paper_nothing_is_trained(runs_folder, monkeypatch):
    monkeypatch.delattr(live, "sweep")
    assert live.ensure_runs("table3", "book").startswith("0 of the ")
