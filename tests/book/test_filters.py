import re

import pytest

from kdgan_lib.figures.filters import Entry, filtered


def entry(name, kind, text="plain"):
    cells = {"claim": name, "statement": text}
    return Entry("03_toy", f"claim-{name}", cells, {"kind": kind})


@pytest.fixture
def lines():
    return [entry("M1", "theory", "so $p_c < p_u$"), entry("S1", "set-up", "`a` & <b>")]


def test_the_whole_table_is_there_without_a_script(lines):
    page = re.sub(r"<script>.*</script>", "", filtered(lines, "t").data, flags=re.S)
    assert page.count("<tr data-kind") == 2
    assert '<div class="kd-filters" hidden>' in page
    assert "<tr hidden" not in page


def test_every_facet_has_a_labelled_choice_of_the_values_that_occur(lines):
    page = filtered(lines, "t").data
    label, choice, name = re.search(
        r'<label for="([\w-]+)">kind</label> <select id="([\w-]+)" name="(\w+)"', page
    ).groups()
    assert (label, name) == (choice, "kind")
    assert re.findall(r"<option>([\w-]+)</option>", page) == ["set-up", "theory"]
    assert '<label for="t-words">' in page


def test_texts_are_shown_as_they_are_with_formulas_and_code(lines):
    page = filtered(lines, "t").data
    assert r"so \(p_c &lt; p_u\)" in page
    assert "<code>a</code> &amp; &lt;b&gt;" in page


def test_links_lead_to_notebooks_in_a_notebook_and_to_pages_on_the_site(lines):
    table = filtered(lines, "t")
    assert 'href="03_toy.ipynb#claim-M1"' in table.data
    site = table.metadata["kdgan"]["myst"]
    assert 'href="03_toy.html#claim-M1"' in site
    assert ".ipynb" not in site


def test_an_empty_table_is_refused():
    with pytest.raises(ValueError, match="at least one line"):
        filtered([], "t")
