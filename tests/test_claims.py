import inspect
import math
import re
import textwrap
from dataclasses import replace

import pandas as pd
import pytest
import yaml

from kdgan_lib import claims, evidence, measures, runs
from kdgan_lib.measures import Quantity
from kdgan_lib.paths import book_dir
from kdgan_lib.stats import NoPairs
from kdgan_lib.tables import MissingRuns
from kdgan_lib.verdicts import judge

LEDGER = claims.ledger()
EXPECTED = [
    *[f"M{i}" for i in range(1, 25)],
    *[f"S{i}" for i in range(1, 14)],
    *[f"T1.{i}" for i in range(1, 47)],
    *[f"F3a.{i}" for i in range(1, 8)],
    *[f"F4.{i}" for i in range(1, 7)],
    "F6",
    "F7",
    *[f"T2.{i}" for i in range(1, 80)],
    *[f"F3b.{i}" for i in range(1, 7)],
    *[f"F5.{i}" for i in range(1, 4)],
    "X1",
]
RULE = {
    "reproduced": {"quantity": "gap", "interval_above": 0},
    "partly": {"quantity": "gap", "above": 0},
}


def test_the_ledger_holds_every_claim_once_and_in_order():
    assert list(LEDGER) == EXPECTED
    document = yaml.safe_load((book_dir() / "claims.yml").read_text(encoding="utf-8"))
    plain = [entry["id"] for entry in document["claims"] if "cells" not in entry]
    assert len(plain) == len(set(plain))


@pytest.mark.parametrize("claim", LEDGER.values(), ids=LEDGER.keys())
def test_every_claim_has_a_kind_a_statement_a_chapter_and_a_rule(claim):
    assert claim.kind in claims.KINDS
    assert claim.statement.endswith(".")
    assert re.fullmatch(r"\d\d_\w+", claim.chapter)
    assert claim.protocol in ("exact", "paper", "code", "controlled")
    if claim.rule:
        assert claim.measure
        assert "reproduced" in claim.rule
        assert set(claim.rule) <= {"reproduced", "partly"}
        assert claims.quantities_of(claim.rule)
        for condition in claim.rule.values():
            check_condition(condition)
    else:
        assert claim.untestable


def check_condition(condition):
    if set(condition) & {"all", "any"}:
        assert len(condition) == 1
        (parts,) = condition.values()
        assert len(parts) > 1
        for part in parts:
            check_condition(part)
    else:
        assert isinstance(condition["quantity"], str)
        operators = set(condition) - {"quantity"}
        assert operators
        assert operators <= set(claims.OPERATORS)
    assert claims.rule_in_words(condition)


def test_cells_hold_the_numbers_of_the_tables():
    assert (LEDGER["T1.1"].paper, LEDGER["T1.36"].paper) == (74.02, 86.50)
    assert LEDGER["T1.36"].arguments["method"] == "kdgan"
    assert LEDGER["T1.36"].arguments["n"] == 50000
    assert (LEDGER["T2.36"].paper, LEDGER["T2.37"].paper) == (0.7905, 0.1623)
    assert LEDGER["T2.72"].arguments["tags"] == "random"


def test_a_cell_may_have_a_note_of_its_own():
    early = LEDGER["T1.40"].note
    noted = [name for name in EXPECTED if LEDGER[name].note.startswith(early)]
    assert noted == ["T1.27", "T1.40", "T1.43", "T1.45"]
    assert LEDGER["T1.27"].note == f"{early} {LEDGER['T1.3'].note}"  # of its column
    assert LEDGER["T1.27"].arguments["n"] == 10_000


def row(value, lo=None, hi=None, quantity="gap", protocol="exact"):
    return {
        "claim": "C1", "quantity": quantity, "value": value, "lo": lo, "hi": hi,
        "protocol": protocol, "runs": 10, "unit": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([row(1.0, 0.5, 1.5)], "reproduced"),
        ([row(1.0, -0.5, 2.5)], "partly"),
        ([row(-1.0, -1.5, -0.5)], "not reproduced"),
        ([row(1.0)], "reproduced"),
        ([row(1.0) | {"runs": 2}], "not run"),
        ([row(1.0) | {"runs": 0}], "reproduced"),
        ([row(1.0, quantity="other")], "not run"),
        ([], "not run"),
    ],
)
def test_rules_give_verdicts(rows, verdict):
    assert claims.apply_rule(RULE, pd.DataFrame(rows)) == verdict


@pytest.mark.parametrize(
    ("value", "at_best", "lost"),
    [
        (-1.0, 1.0, True),
        (-1.0, 2.0, False),  # all of it may still hold
        (2.0, math.nan, False),
        (1.0, math.nan, True),
        (math.nan, 1.0, True),
        (math.nan, math.nan, False),  # nothing is told
    ],
)
def test_a_claim_is_lost_where_a_part_is_the_best_it_can_be(value, at_best, lost):
    rule = {"reproduced": {"quantity": "gap", "at_least": 2}, "partly": RULE["partly"]}
    so_far = pd.DataFrame([row(value) | {"at_best": at_best}])
    assert claims.out_of_reach(rule, so_far) is lost
    assert not claims.out_of_reach(rule, so_far[:0])


@pytest.mark.parametrize(
    ("operator", "bound", "expected"),
    [
        ("below", 2, True),
        ("below", 1, False),
        ("above", 0.9, True),
        ("above", 1, False),
        ("at_most", 1, True),
        ("at_least", 1.1, False),
        ("at_least", 1, True),
        ("between", [0, 1], True),
        ("between", [1, 2], True),
        ("equals", 1, True),
        ("interval_below", 1.5, False),
        ("interval_above", 0.5, False),
        ("interval_excludes", 0, True),
        ("interval_includes", 1.2, True),
        ("interval_within", [0.4, 1.6], True),
        ("interval_within", [0.6, 1.6], False),
    ],
)
def test_every_operator_means_what_it_says(operator, bound, expected):
    condition = {"quantity": "gap", operator: bound}
    assert claims.holds(condition, {"gap": row(1.0, 0.5, 1.5)}) is expected


def test_all_and_any_combine_conditions():
    low, high = ({"quantity": "gap", "below": bound} for bound in (0, 2))
    assert claims.holds({"any": [low, high]}, {"gap": row(1.0)})
    assert not claims.holds({"all": [low, high]}, {"gap": row(1.0)})


def test_not_a_number_is_never_reproduced():
    evidence_rows = pd.DataFrame([row(float("nan"))])
    for operator in ("below", "above", "interval_above", "interval_below", "equals"):
        rule = {"reproduced": {"quantity": "gap", operator: 0}}
        assert claims.apply_rule(rule, evidence_rows) == "not reproduced"


@pytest.fixture
def toy_ledger(tmp_path, monkeypatch):
    """Return a function that writes a ledger and lets the library read it."""
    folder = tmp_path / "ledger"
    folder.mkdir()

    def write(text: str) -> None:
        (folder / "claims.yml").write_text(textwrap.dedent(text))
        monkeypatch.setattr(claims, "book_dir", lambda: folder)
        claims._load.cache_clear()

    yield write
    claims._load.cache_clear()


@pytest.fixture
def ledger(toy_ledger, runs_folder, monkeypatch):
    """Let the ledger hold two claims; return the registry of measures."""
    toy_ledger("""
        claims:
          - {id: C1, kind: quantity, statement: A gap., chapter: 01_toy,
             measure: gap, protocol: controlled, command: kdgan sweep toy,
             rule: {reproduced: {quantity: gap, above: 0}}}
          - {id: C2, kind: set-up, statement: Hidden., chapter: 01_toy,
             untestable: The data are not public.}
    """)
    registry = {}
    monkeypatch.setattr(measures, "collect", lambda: registry)
    return registry


def test_evidence_of_another_protocol_does_not_count(ledger):
    ledger["gap"] = lambda: {"gap": Quantity(1.0, runs=10, protocol="code")}
    assert evidence.update(["C1"]) == 1
    assert judge("C1").verdict == "not run"
    ledger["gap"] = lambda: {"gap": Quantity(1.0, runs=10, protocol="controlled")}
    evidence.update(["C1"])
    judged = judge("C1")
    assert (judged.verdict, judged.runs) == ("reproduced", 10)


def test_a_verdict_knows_the_most_and_the_fewest_runs_behind_its_quantities(ledger):
    counts = {"gap": 10, "other": 5, "exact": 0}
    ledger["gap"] = lambda: {
        name: Quantity(1.0, runs=count, protocol="controlled")
        for name, count in counts.items()
    }
    evidence.update(["C1"])
    judged = judge("C1")
    assert (judged.runs, judged.fewest) == (10, 5)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MissingRuns("kdgan sweep toy"), "not run: `kdgan sweep toy`"),
        (NoPairs("They share no seed."), "They share no seed."),
    ],
)
def test_missing_runs_leave_the_claim_not_run_with_one_command(ledger, error, said):
    def gap():
        raise error

    ledger["gap"] = gap
    lines = []
    assert evidence.update([], lines.append) == 0
    assert lines == [f"C1: {said}"]
    judged = judge("C1")
    assert judged.verdict == "not run"
    assert judged.command == "kdgan sweep toy && kdgan claims --update C1"


def test_a_measure_that_lacks_a_quantity_of_the_rule_is_an_error(ledger):
    ledger["gap"] = lambda: {"other": 1.0}
    with pytest.raises(KeyError, match="lacks"):
        evidence.update(["C1"])


def test_an_untestable_claim_says_so(ledger):
    assert judge("C2").verdict == "not testable here"


def test_measuring_again_replaces_the_rows(ledger):
    ledger["gap"] = lambda: {"gap": Quantity(1.0, protocol="controlled")}
    evidence.update(["C1"])
    ledger["gap"] = lambda: {"gap": Quantity(-1.0, protocol="controlled")}
    evidence.update(["C1"])
    assert len(runs.read_rows("evidence")) == 1
    assert judge("C1").verdict == "not reproduced"


def test_an_unknown_claim_is_refused_with_near_ones():
    with pytest.raises(ValueError, match=r"no claim 'M99'.*M9"):
        judge("M99")


def test_registered_measures_take_the_arguments_of_their_claims():
    known = measures.collect()
    for claim in LEDGER.values():
        if claim.measure in known:
            inspect.signature(known[claim.measure]).bind(**claim.arguments)


def test_a_tables_name_stands_for_its_cells():
    chosen = [claim.id for claim in claims.select(["T1", "M4"])]
    assert chosen[0] == "T1.1"
    assert chosen[-1] == "M4"
    assert all(name.startswith("T1.") for name in chosen[:-1])


def told(text, tmp_path):
    """Return what is said of a ledger's file."""
    path = tmp_path / "claims.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ValueError, match="restore it with `git checkout") as raised:
        claims._load(str(path))
    said = str(raised.value)
    assert str(path) in said
    assert "\n" not in said
    return said


ENTRY = """claims:
  - id: M1
    kind: theory
    statement: "It holds."
    chapter: 03_three_player_game
    measure: eq4_identity
    rule:
      reproduced: {quantity: error, below: 1.0e-9}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("kind: theory", "kind theory", "is no YAML"),
        (ENTRY, "", "has no list `claims`"),
        (ENTRY, "- claims", "has no list `claims`"),
        ("kind:", "knd:", "claim 'M1': no field 'knd'; choose from id, kind"),
        ("    kind: theory\n", "", "claim 'M1': missing 1 required positional"),
        ("id: M1", "id:", "its id is None, not a text"),
        ("theory", "theorem", "no kind 'theorem'; choose from quantity"),
        ("reproduced:", "reproducd:", "its rule has 'reproducd'; choose from"),
        ("below", "blow", "no test 'blow'; choose from below"),
        ("1.0e-9", "1e-9", "the bound of 'below' is '1e-9', not a number"),
        ("below: 1.0e-9", "between: 0.5", "is 0.5, not two numbers"),
        ("quantity: error, ", "", "names no quantity or test"),
        ("{quantity: error, below: 1.0e-9}", "{all: []}", "`all` takes a list"),
        ("      reproduced: {quantity: error, below: 1.0e-9}\n", "", "no mapping"),
    ],
)
def test_a_ledger_that_cannot_be_judged_says_where_and_what_is_wrong(
    tmp_path, right, wrong, said
):
    assert right in ENTRY
    assert said in told(ENTRY.replace(right, wrong), tmp_path)


def test_a_claim_that_stands_twice_or_in_another_encoding_is_told(tmp_path):
    assert "the claim 'M1' twice" in told(
        ENTRY + ENTRY.removeprefix("claims:\n"), tmp_path
    )
    assert "is no YAML" in told(b"\xff\xfe\x00", tmp_path)


def test_a_measure_that_there_is_not_is_no_verdict_but_an_error():
    claim = LEDGER["M1"]
    unknown = replace(claim, measure="eq4_identiti")
    with pytest.raises(ValueError, match="M1: no measure 'eq4_identiti'; near ones ar"):
        evidence.measured_now(unknown)
    odd = replace(claim, arguments={"foo": 3})
    with pytest.raises(ValueError, match="M1: its measure 'eq4_identity' does not tak"):
        evidence.measured_now(odd)
