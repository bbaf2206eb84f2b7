import json
import re

import pytest

from kdgan_lib.figures.filters import filtered
from kdgan_lib.reports.ledger import Entry


def entry(name, kind, text="plain"):
    cells = {"claim": name, "statement": text}
    return Entry("03_toy", f"claim-{name}", cells, {"kind": kind})


def controls_of(page):
    """Return the HTML that the script puts before the table."""
    return json.loads(re.search(r'"afterbegin", (".*")\);', page)[1])


@pytest.fixture
def lines():
    return [entry("M1", "theory", "so $p_c < p_u$"), entry("S1", "set-up", "`a` & <b>")]


def test_the_whole_table_is_there_without_a_script(lines):
    whole = filtered(lines, "t", "Lines.").data
    page = re.sub(r"<script>.*</script>", "", whole, flags=re.S)
    assert page.count("<tr data-kind") == 2
    assert not re.search("<select|<input|<option|hidden", page)
    assert '<caption id="t-caption">Lines.</caption>' in page
    assert whole.count("</script>") == 1


def test_every_facet_has_a_labelled_choice_of_the_values_that_occur(lines):
    page = controls_of(filtered(lines, "t", "Lines.").data)
    label, choice, name = re.search(
        r'<label for="([\w-]+)">kind</label> <select id="([\w-]+)" name="(\w+)"', page
    ).groups()
    assert (label, name) == (choice, "kind")
    assert re.findall(r"<option>([\w-]+)</option>", page) == ["set-up", "theory"]
    assert '<label for="t-words">' in page


def test_texts_are_shown_as_they_are_with_formulas_and_code(lines):
    page = filtered(lines, "t", "Lines.").data
    assert 'data-words="m1 so $p_c &lt; p_u$"' in page
    assert r"so \(p_c &lt; p_u\)" in page
    assert "<code>a</code> &amp; &lt;b&gt;" in page


def test_links_lead_to_notebooks_in_a_notebook_and_to_pages_on_the_site(lines):
    table = filtered(lines, "t", "Lines.")
    assert 'href="03_toy.ipynb#claim-M1"' in table.data
    site = table.metadata["kdgan"]["myst"]
    assert 'href="03_toy.html#claim-M1"' in site
    assert ".ipynb" not in site


def test_an_empty_table_is_refused():
    with pytest.raises(ValueError, match="at least one line"):
        filtered([], "t", "Lines.")
    with pytest.raises(ValueError, match="one lower-case word"):
        filtered([Entry("p", "a", {"a": "b"}, {"data-kind": "c"})], "t", "Lines.")
