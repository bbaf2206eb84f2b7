import pytest

from kdgan_lib import notebooks
from kdgan_lib.notebooks import parameters


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
