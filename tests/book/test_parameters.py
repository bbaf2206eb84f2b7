from types import SimpleNamespace

import pytest

from kdgan_lib import notebooks
from kdgan_lib.methods import METHODS
from kdgan_lib.notebooks import limits, parameters
from kdgan_lib.studies import digits


@pytest.fixture
def text(toy_book):
    return toy_book / "01_toy.py"


def test_parameters_are_read_with_type_default_and_meaning(text):
    first, second, *_ = notebooks.parameters_of(text)
    assert first.choices == ("smoke", "book", "paper")
    assert (second.name, second.kind, second.default) == ("seed", "int", 0)
    assert second.meaning == "seed of everything"


def test_an_unknown_parameter_is_refused_with_the_allowed_ones(text):
    with pytest.raises(ValueError, match="no parameter sed; it has: profile, seed"):
        parameters.check(text, {"sed": 1})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seed", "1.5", "seed must be an int"),
        ("seed", 1.5, "seed must be an int"),
        ("seed", True, "seed must be an int"),
        ("rate", "fast", "rate must be a float"),
        ("loud", "maybe", "loud must be a bool"),
        ("profile", "full", "profile must be one of smoke, book, paper"),
        ("seed", "-1", "^01_toy: seed must be from 0 to 4294967295, not '-1'.$"),
        ("rate", "inf", "^01_toy: rate must be finite, not 'inf'.$"),
        ("rate", "nan", "rate must be finite, not 'nan'.$"),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(text, name, value, message):
    with pytest.raises(ValueError, match=message):
        parameters.check(text, {name: value})


def test_typed_words_become_values(text):
    given = {"seed": "3", "rate": "1e-3", "loud": "true", "profile": "smoke"}
    expected = {"seed": 3, "rate": 0.001, "loud": True, "profile": "smoke"}
    assert parameters.check(text, given) == expected


@pytest.mark.parametrize(
    "line", ["seed = 0  # meaning", "seed: int = 0", "seed: list = []  # meaning"]
)
def test_a_parameter_without_type_or_meaning_is_refused(text, line):
    text.write_text(
        text.read_text().replace("seed: int = 0  # seed of everything", line)
    )
    with pytest.raises(ValueError, match=r"01_toy\.py"):
        notebooks.parameters_of(text)


def test_every_chapter_has_a_profile_with_the_three_levels():
    for chapter in notebooks.chapters():
        profile = {p.name: p for p in notebooks.parameters_of(chapter)}["profile"]
        assert set(profile.choices) == {"smoke", "book", "paper"}, chapter.name
        assert profile.default == "book", chapter.name


@pytest.mark.parametrize(
    ("chapter", "name", "value", "allowed"),
    [
        ("06", "alpha", "2", "from 0 to 1"),
        ("06", "n", "0", "at least 1"),
        ("03", "beta", "inf", "above 0 and finite"),
        ("03", "alpha", "nan", "from 0 to 1"),
        ("02", "step_size", "-1", "above 0"),
        ("02", "step_size", "nan", "above 0 and finite"),
        ("04", "num_labels", "1", "at least 2"),
        ("07", "hidden", "0", "at least 1"),
        ("07", "method", "foo", "one of supervised, mimic, distn"),
        ("12", "n", "9", "from 10 to 197"),
        ("12", "method", "kdgan_wo_gm", "one of supervised, mimic, distn"),
    ],
)
def test_a_value_that_a_chapter_cannot_use_is_refused(chapter, name, value, allowed):
    text = notebooks.find(chapter)
    with pytest.raises(ValueError, match=f"^{text.stem}: {name} must be {allowed}"):
        parameters.check(text, {name: value})


@pytest.mark.parametrize("text", notebooks.chapters(), ids=lambda text: text.stem)
def test_every_default_is_allowed(text):
    known = notebooks.parameters_of(text)
    assert parameters.check(text, {p.name: str(p.default) for p in known}) == {}


def test_limits_are_those_of_the_library_and_of_parameters_that_there_are():
    assert set(limits.LIVE.names) == set(METHODS)
    known = {text.stem: notebooks.parameters_of(text) for text in notebooks.chapters()}
    names = {p.name for found in known.values() for p in found}
    assert set(limits.LIMITS) <= names
    assert limits.OWN["12_your_own_teacher"]["n"] == limits.Range(10, digits.LARGEST)


@pytest.mark.parametrize(("labels", "fine"), [(1, False), (2, True), (51, False)])
def test_a_chapter_s_own_limit_comes_before_the_general_one(labels, fine):
    found = limits.limit_of("a0_proofs", "num_labels", "int")
    assert found is not None
    assert found.allows(labels) == fine


def test_a_chapter_stops_at_its_table_when_a_value_got_past_the_library(
    toy_book, monkeypatch
):
    shell = SimpleNamespace(user_ns={"profile": "zz", "seed": 3})
    monkeypatch.setattr(parameters, "get_ipython", lambda: shell)
    with pytest.raises(ValueError, match=r"^01_toy: profile must be one of smoke"):
        notebooks.parameters_table("01")
    shell.user_ns["profile"] = "smoke"
    assert "`'smoke'`" in notebooks.parameters_table("01").data
