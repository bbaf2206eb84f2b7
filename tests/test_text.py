import pytest

from kdgan_lib.text import names_a_tag, words


def test_words_are_runs_of_letters_in_lower_case():
    assert words("Clipart by Nicu - jigsaw_red_10 (Été)") == [
        "clipart",
        "by",
        "nicu",
        "jigsaw",
        "red",
        "été",
    ]
    assert words("10-2_") == []


@pytest.mark.parametrize(
    ("title", "tags", "expected"),
    [
        ("A red apple", ["fruit", "apple"], True),
        ("Pineapple", ["apple"], False),
        ("Map of North America 2", ["north america"], True),
        ("America, north", ["north america"], False),
        ("north_america.svg", ["north america"], True),
        ("Apple", [], False),
        ("Number 11", ["11"], False),
    ],
)
def test_a_title_names_a_tag_only_as_whole_words_in_order(title, tags, expected):
    assert names_a_tag(title, tags) is expected
