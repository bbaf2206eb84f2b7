"""The ledger's summary agrees with the verdicts it is made from."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from kdgan_lib import claims, notebooks, runs
from kdgan_lib.claims import Claim
from kdgan_lib.figures import ledger as drawings
from kdgan_lib.reports import ledger, verdict_counts
from kdgan_lib.verdicts import Verdict

AHEAD = {
    "reproduced": {"quantity": "gap", "interval_above": 0},
    "partly": {"quantity": "gap", "above": 0},
}


def answer(name, gap, half, runs=5, kind="ordering"):
    row = {"quantity": "gap", "value": gap, "lo": gap - half, "hi": gap + half}
    rows = pd.DataFrame([{**row, "unit": "", "runs": runs, "protocol": "controlled"}])
    claim = Claim(name, kind, "A claim.", "07_model_compression", rule=AHEAD)
    return Verdict(claim, claims.apply_rule(AHEAD, rows), rows)


def unanswered(name, verdict, **facts):
    claim = Claim(name, "quantity", "A claim.", "07_model_compression", **facts)
    return Verdict(claim, verdict, pd.DataFrame())


@pytest.fixture
def verdicts():
    return [
        answer("M1", 2.0, 1.0),
        answer("M2", 1.0, 1.5, runs=3),
        answer("M3", -1.0, 0.5, runs=10, kind="theory"),
        *(
            unanswered(f"T1.{cell}", "not run", live=True, place="t", command=command)
            for cell in (1, 2, 3, 5)
            for command in [f"kdgan sweep a --method m{cell} --n 3"]
        ),
        unanswered("T1.46", "not testable here", untestable="No values."),
    ]


def test_the_summary_counts_the_verdicts(verdicts):
    said = ledger.summary(verdicts)
    assert said.startswith("Of 8 claims 3 have an answer: 1 reproduced, 1 partly and 1")
    assert "4 wait for runs, and 1 cannot" in said
    assert ledger.summary(verdicts[3:]) == ""


def test_the_counts_of_verdicts_end_with_all_claims(runs_folder):
    found = verdict_counts.by_chapter().set_index("chapter")
    assert found.loc["all"].sum() == len(claims.ledger())
    assert (found.drop(index="all").sum() == found.loc["all"]).all()


def test_half_an_answer_is_counted_waits_and_is_not_stretched(verdicts):
    half = answer("T1.42", 1.0, 1.5)
    half = replace(half, verdict=claims.AT_MOST_PARTLY)
    said = ledger.summary([*verdicts, half])
    assert "1 partly and 1 not reproduced. 1 more is lost as stated, and may" in said
    assert "of the 3 answers" in ledger.moved_in_words([*verdicts, half], 0)
    assert ledger.waiting([half]).claims.tolist() == ["T1.42"]
    assert ledger.stretched([half], 0) == [half]


def test_runs_that_name_their_processor_are_counted(runs_folder):
    assert ledger.where_made() == ""
    rows = pd.DataFrame({"run_id": ["a", "b", "c"], "seed": range(3)})
    runs.append_rows("runs", rows, ["run_id"])
    assert "Of 3 stored runs 0 name" in ledger.where_made()
    named = pd.DataFrame({"run_id": ["d"], "processor": ["a kind"]})
    runs.append_rows("runs", named, ["run_id"])
    assert "Of 4 stored runs 1 name" in ledger.where_made()


def test_shares_by_kind_and_by_runs_add_up(verdicts):
    kinds = ledger.shares(verdicts, "kind").set_index("kind")
    assert kinds.loc["all"].sum() == len(verdicts)
    assert kinds.loc["quantity", "not run"] == 4
    effort = ledger.shares(verdicts, "runs").set_index("runs")
    assert effort.loc["3 or 4 runs", "partly"] == 1
    assert effort.loc["5 to 9 runs", "reproduced"] == 1
    assert effort.loc[ledger.MOST, "not reproduced"] == 1
    assert effort.loc["all"].sum() == 3


@pytest.mark.parametrize(
    ("width", "found"),
    [
        (0, ["reproduced", "reproduced", "not reproduced"]),
        (1, ["reproduced", "partly", "not reproduced"]),
        (2.5, ["partly", "partly", "not reproduced"]),
    ],
)
def test_stretched_intervals_are_judged_by_the_same_rules(verdicts, width, found):
    again = ledger.stretched(verdicts, width)
    assert [verdict.verdict for verdict in again[:3]] == found
    assert again[3:] == verdicts[3:]
    counts = ledger.by_width(verdicts, [width]).iloc[0]
    assert counts["reproduced"] == found.count("reproduced")
    differ = [a != b.verdict for a, b in zip(found, verdicts, strict=False)]
    assert len(ledger.moves(verdicts, width)) == sum(differ)


@pytest.mark.parametrize("width", [-1, float("nan"), float("inf")])
def test_a_width_that_is_none_is_refused(verdicts, width):
    with pytest.raises(ValueError, match="a number from 0 on"):
        ledger.stretched(verdicts, width)


def test_a_ratio_is_stretched_over_its_logarithm(verdicts):
    ratio = answer("T1.44", 2.0, 0.0)
    ratio.evidence.loc[0, ["quantity", "lo", "hi"]] = ["instances_ratio", 1.0, 4.0]
    wide = ledger._stretched(ratio, 2).evidence.iloc[0]
    assert (wide.lo, wide.value, wide.hi) == pytest.approx((0.5, 2, 8))


def test_what_moves_is_said_in_words(verdicts):
    means = "By the values alone 1 of the 3 answers changes."
    assert ledger.moved_in_words(verdicts, 0) == means
    assert "none of the 3 answers change" in ledger.moved_in_words(verdicts, 1)
    assert ledger.moved_in_words(verdicts[3:], 2) == ""


def test_neighbours_in_the_ledger_are_joined(verdicts):
    row = ledger.waiting(verdicts).iloc[0]
    assert (row.claims, row.number) == ("T1.1 to T1.3, T1.5", 4)
    assert row.command == "`kdgan sweep a --n 3`"
    theory = [unanswered("M1", "not run"), unanswered("M2", "not run")]
    (row,) = ledger.waiting(theory).command
    assert row == "`kdgan claims --update M1 M2`"
    assert ledger.spans(["S1", "S2"]) == "S1, S2"
    assert ledger.reasons(verdicts)["why not"].tolist() == ["No values."]


def test_every_claim_of_the_book_has_a_line_that_leads_to_a_chapter():
    verdicts = ledger.judged()
    lines = ledger.entries(verdicts)
    assert [line.cells["claim"] for line in lines] == list(claims.ledger())
    pages = {path.stem: path.with_suffix(".ipynb") for path in notebooks.chapters()}
    kept = {page: path.read_text() for page, path in pages.items()}
    lost = {
        line.anchor
        for line in lines
        if f'id=\\"{line.anchor}\\"' not in kept[line.page]
        and not re.search(rf"(:name: |\(){line.anchor}\b", kept[line.page])
    }
    assert not lost
    changed = ledger.changed(verdicts)
    assert set(changed.claim) == {v.claim.id for v in verdicts if v.claim.changed}


def test_a_line_says_what_its_rule_looks_at_and_nothing_else(verdicts):
    first, *_, last = ledger.entries(verdicts)
    said = "gap = 2.000 [1.000, 3.000]; `exact`, 5 runs a setting"
    assert first.cells["evidence"] == said
    assert last.cells["evidence"] == "No values."


def test_figures_are_drawn_where_there_are_answers_only(verdicts):
    assert drawings.shares(ledger.shares(verdicts, "kind")) is not None
    assert drawings.widths(ledger.by_width(verdicts, [0, 1, 2]), 2.0) is not None
    nothing = [v for v in verdicts if v.verdict == "not run"]
    assert drawings.widths(ledger.by_width(nothing, [0, 1]), 2.0) is None
    assert drawings.shares(ledger.shares([], "kind")) is None
