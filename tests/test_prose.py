import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from kdgan_lib import claims, prose, runs
from kdgan_lib.verdicts import Verdict


@pytest.mark.parametrize("missing", [None, float("nan"), [], pd.DataFrame()])
def test_a_missing_value_never_becomes_a_number(missing):
    assert prose.number(missing) == "not run"
    text = prose.sentence("It is {x}.", "kdgan sweep x", x=missing).data
    assert "Not run" in text
    assert "`kdgan sweep x`" in text
    none = prose.table(pd.DataFrame(), "Caption.", "tab-x", nothing="none waits").data
    assert "none waits" in none
    assert "not run" not in none
    assert "It is" not in text


def test_a_sentence_with_one_missing_number_of_two_is_not_run():
    made = prose.sentence("{a} and {b}", a=prose.number(1.0), b=prose.number(None))
    assert made.data == "*Not run.*"


@pytest.mark.parametrize(
    ("value", "digits", "unit", "text"),
    [
        (77.954, 2, "%", "77.95%"),
        (1276810, 0, "", "1,276,810"),
        (3.5, 1, "epochs", "3.5 epochs"),
        (1.5e-12, 3, "", "1.5e-12"),
        (0.0, 2, "", "0.00"),
        (-1.3862943, 4, "", "-1.3863"),
        (float("inf"), 0, "rounds", "∞ rounds"),
        (float("-inf"), 2, "", "-∞"),
    ],
)
def test_numbers_are_formatted(value, digits, unit, text):
    assert prose.number(value, digits, unit) == text


def test_an_interval_shows_both_ends_and_its_unit():
    assert prose.interval(84.1, 83.5, 84.7, 1, "%") == "84.1 [83.5, 84.7]%"
    assert prose.interval(84.1, float("nan"), None, 1) == "84.1"
    assert prose.interval(None, 1, 2) == "not run"


def test_a_table_without_rows_says_not_run_and_the_command():
    text = prose.table(
        pd.DataFrame(), "Caption.", "tab-x", command="kdgan sweep x"
    ).data
    assert "not run" in text
    assert "`kdgan sweep x`" in text
    none = prose.table(pd.DataFrame(), "Caption.", "tab-x", nothing="none waits").data
    assert "none waits" in none
    assert "not run" not in none


def test_a_table_marks_missing_cells_and_keeps_pipes_apart():
    frame = pd.DataFrame({"a": ["x|y", "z"], "b": [1.234, float("nan")]})
    lines = prose.pipe_table(frame, {"b": ".1f"}).splitlines()
    assert lines[2:] == ["| x\\|y | 1.2 |", "| z | not run |"]
    mixed = pd.DataFrame({"b": [1.234, "–"]})
    lines = prose.pipe_table(mixed, {"b": ".1f"}).splitlines()
    assert lines[2:] == ["| 1.2 |", "| – |"]


def write_evidence(value):
    row = {
        "claim": "M5", "measure": "equilibrium_value", "quantity": "error",
        "value": value, "lo": float("nan"), "hi": float("nan"), "unit": "",
        "protocol": "exact", "runs": 0, "profile": "paper",
    }  # fmt: skip
    runs.append_rows("evidence", pd.DataFrame([row]), ["claim", "quantity", "protocol"])


def test_a_verdict_shows_rule_evidence_and_protocol(runs_folder):
    write_evidence(1e-12)
    text = prose.verdict("M5").data
    assert "M5: reproduced" in text
    assert "error < 1e-06" in text
    assert "error = 1.0e-12" in text
    assert "`exact`" in text


def test_deleting_the_table_turns_the_verdict_into_not_run(runs_folder):
    write_evidence(1e-12)
    (runs_folder / "evidence.parquet").unlink()
    text = prose.verdict("M5").data
    assert "M5: not run" in text
    assert "`kdgan claims --update M5`" in text
    assert "1.0e-12" not in text


def test_the_strip_names_every_claim_and_its_verdict(runs_folder):
    html = prose.verdict_strip(["M5", "S12"]).data
    assert 'aria-label="M5: not run"' in html
    assert 'aria-label="S12: not testable here"' in html


def test_squares_lead_to_boxes_and_cells_to_their_tables(runs_folder):
    strip = prose.verdict_strip(["M1", "T1.2", "T2.3"])
    assert re.findall(r'href="([^"]+)"', strip.data) == [
        "03_three_player_game.ipynb#claim-M1",
        "07_model_compression.ipynb#tab-compression-verdicts",
        "09_tag_recommendation.ipynb#cells-of-table-2",
    ]
    assert '.html#claim-M1"' in strip.metadata["kdgan"]["myst"]
    assert '<span id="claim-M1"></span>' in prose._myst_of(prose.verdict("M1"))


def test_source_shows_the_library_s_own_lines():
    text = prose.source(prose.is_missing).data
    assert text.startswith("`kdgan_lib.prose.is_missing`")
    assert "def is_missing(value: Any) -> bool:" in text


def test_a_whole_number_of_evidence_has_no_decimals():
    row = {"quantity": "rounds_played", "lo": math.nan, "hi": math.nan, "unit": ""}
    assert prose._evidence(row | {"value": 8_000.0}) == "rounds played = 8,000"
    assert prose._evidence(row | {"value": 0.5}) == "rounds played = 0.500"


def test_the_list_of_claims_says_each_verdict(runs_folder):
    text = prose.claims_list(["M5", "T1.46"]).data
    assert text.splitlines()[0].startswith("- · **M5** ")
    assert text.splitlines()[0].endswith("*Not run.*")
    assert text.splitlines()[1].endswith("*Not testable here.*")


def test_a_changed_rule_says_so_where_others_were_fixed_before_the_runs(runs_folder):
    assert "**Rule**, fixed before the runs: " in prose.verdict("M5").data
    assert "**Rule**, changed after a first measurement" in prose.verdict("M4").data


def test_a_note_stands_beside_evidence_that_leaves_a_verdict_open():
    claim = replace(claims.find("T1.43"), note="Mind the gap.")
    row = {"quantity": "gap", "value": 0.5, "lo": math.nan, "hi": math.nan, "unit": ""}
    so_far = pd.DataFrame([row])
    empty = so_far[:0]
    assert "**Note**: Mind the gap." in prose.reasons(
        Verdict(claim, "not run", empty, so_far)
    )
    for open_one in (
        Verdict(claim, "not run", empty),
        Verdict(replace(claim, note=""), "not run", empty, so_far),
    ):
        assert "Note" not in "".join(prose.reasons(open_one))
