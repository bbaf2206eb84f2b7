# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,mystnb,nbmake,-all
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,jupytext,-all
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# (ch-ledger)=
# # The ledger, claim by claim
#
# **Question.** Which claims of the paper stand, which do not, and which are still open?
# How much of that depends on how wide our intervals are?

# %% tags=["remove-input"]
from kdgan_lib import claims, figures, notebooks, prose
from kdgan_lib.figures import ledger as drawings
from kdgan_lib.figures.filters import filtered
from kdgan_lib.reports import cell_verdicts, ledger, verdict_counts

judged = ledger.judged()
prose.sentence(
    "**In short.** {said} {above}",
    said=ledger.summary(judged) or "No claim has an answer: no runs are stored here.",
    above=f"{cell_verdicts.above()} {cell_verdicts.indistinct()}",
)

# %% [markdown]
# - Every claim of the book is in one table, which you can filter without a kernel.
# - Claims are of four kinds; they fare differently.
# - Where something cannot be tested, or still waits for runs, the reason or the command
#   is given.
# - A rule that was changed after a measurement is named.
# - Wider or narrower intervals change some verdicts and leave others alone.
#
# The chapters before this one argue each verdict; nothing new is measured here. What
# the words mean is said in [](#ch-how-to-read).

# %% [markdown]
# ## The claims that carry the paper
#
# {cite:t}`wang2018kdgan` promise three things: a game whose equilibrium is the labels'
# distribution, gradients that vary less and so a shorter training, and a classifier
# that is better than with distillation or with a two-player game alone.

# %% tags=["remove-input"]
GAME, GRADIENTS = ("M4", "M24"), ("M11", "M18", "F3a.5")
CLASSIFIERS = ("F3a.3", "T1.38", "T1.44", "F6", "T2.73", "T2.79")
prose.table(
    ledger.central(judged, (*GAME, *GRADIENTS, *CLASSIFIERS)),
    "The claims on which the paper rests: verdict, and what its rule looks at.",
    "tab-ledger-central",
)

# %% [markdown]
# ## How do the kinds of claims fare?

# %% tags=["hide-input"]
figures.show(
    drawings.shares(ledger.shares(judged, "kind")),
    name="fig-ledger-kinds",
    caption="Verdicts by kind of claim. Most quantities are cells of two tables.",
    alt="A stacked bar for each kind of claim, coloured by verdict.",
    command="make book",
)

# %% tags=["remove-input"]
prose.sentence("{said}", said=verdict_counts.built(judged))

# %% [markdown]
# An answer from three runs weighs less than one from ten, and a computed one needs no
# runs:

# %% tags=["remove-input"]
prose.table(
    ledger.shares(judged, "runs"),
    "Number of answers by how many runs each setting behind them has.",
    "tab-ledger-runs",
)

# %% [markdown]
# ## All claims
#
# Choose a verdict, a chapter or a kind, or type words. The name of a claim is a link to
# its box, which has the rule and the whole evidence; the name of a cell of Table 1 or 2
# is a link to what is said of all cells of that table.

# %% tags=["remove-input"]
filtered(
    ledger.entries(judged),
    "tab-ledger-claims",
    "All claims: verdict, and what the rule looks at, with protocol and runs.",
)

# %% [markdown]
# ## What cannot be tested here

# %% tags=["remove-input"]
prose.table(
    ledger.reasons(judged),
    "Claims that cannot be tested with what is public, and why.",
    "tab-ledger-untestable",
    nothing="All can be tested.",
)

# %% [markdown]
# ## What still waits for runs
#
# A claim over several columns of a table has no answer until enough of them are run to
# decide its rule, and half an answer, *at most partly*, where it is lost as the paper
# states it and may still hold in part. The commands go on where they were stopped.

# %% tags=["remove-input"]
prose.table(
    ledger.waiting(judged),
    "Claims without an answer or with half of one, and the command for their runs.",
    "tab-ledger-waiting",
    nothing="None waits.",
)

# %% [markdown]
# ## Rules that were changed
#
# A rule that is written after a look at the data can be made to say anything. These
# were:

# %% tags=["remove-input"]
prose.table(
    ledger.changed(judged),
    "Claims whose rule is not the first one: when and why it was changed.",
    "tab-ledger-changed",
    nothing="None was changed.",
)

# %% [markdown]
# ## Parameters

# %% tags=["parameters"] nbmake={"mock": {"profile": "smoke"}}
profile: str = "book"  # smoke | book | paper: nothing is trained; all three are alike
width: float = 2.0  # how many times as wide the intervals are supposed to be
claim: str = "T1.38"  # the claim whose box is shown

# %% tags=["remove-input"]
notebooks.parameters_table("10_the_ledger")

# %% [markdown]
# ## How much depends on the intervals?
#
# Many rules ask where a whole interval lies, so that a verdict depends on its width,
# and with few runs the width itself is uncertain. We stretch every interval about its
# value $a$ by a factor $w$ (on a logarithmic scale where $a$ is a mean of ratios),
#
# $$
# [l,\, u] \;\mapsto\; [\,a - w\,(a - l),\; a + w\,(u - a)\,] ,
# $$ (eq-ledger-stretch)
#
# and judge again. At $w=0$ only the values speak. Had the same spread been seen in four
# times as many runs, $w$ would be a half, and less where runs are few.

# %%
again = ledger.stretched(judged, 1.0)
assert [v.verdict for v in again] == [v.verdict for v in judged]

# %% tags=["hide-input"]
figures.show(
    drawings.widths(ledger.by_width(judged, ledger.grid_of(width)), width),
    name="fig-ledger-widths",
    caption="Number of answers of each kind when all intervals are stretched by a "
    "factor. Line: as measured; dotted: the factor of the parameters cell.",
    alt="A stacked area of three verdicts over the factor, from 0 on.",
    command="make book",
)

# %% tags=["remove-input"]
prose.sentence("{said}", said=ledger.moved_in_words(judged, width) or None)

# %% tags=["remove-input"]
prose.table(
    ledger.moves(judged, width),
    "Claims whose verdict would be another one with stretched intervals.",
    "tab-ledger-moves",
    nothing="No verdict changes.",
)

# %% [markdown]
# An answer *not reproduced* may come from two findings: an effect of the other sign, or
# an effect too small for the runs. Narrower intervals can mend the second only.

# %% tags=["remove-input"]
prose.sentence("{said}", said=ledger.moved_in_words(judged, 0) or None)

# %% tags=["remove-input"]
prose.table(
    ledger.moves(judged, 0),
    "Claims whose verdict would be another one if values were taken for the truth.",
    "tab-ledger-means",
    nothing="No verdict changes.",
)

# %% [markdown]
# ## One claim in full
#
# Set `claim` in the parameters cell to see another box. Its rule as data:

# %%
claims.select([claim])[0].rule or "It has no rule: it cannot be tested here."

# %% tags=["remove-input"]
prose.verdict(claim)

# %% [markdown]
# ## Deviations and limits
#
# 1. The paper has no such list. Which sentences are claims, and where they are cut, is
#    our choice; so are the rules.
# 2. The number of claims is not a score. Most of them are cells of two tables, and a
#    theorem counts as much as a cell. What the paper says in its text and of a figure
#    is two claims: M23 and F6 are one measurement, F7 is M17 and M18 together.
# 3. Verdicts on experiments are under the protocol that the claim names, mostly
#    `controlled`. They say what the method does under equal conditions, not what the
#    authors' program printed on their machine.
# 4. Nothing corrects for judging many claims at once. At a level of 95% some verdicts
#    that rest on an interval will be wrong by chance.
# 5. {eq}`eq-ledger-stretch` stretches the intervals that rules see. Some rules see
#    counts of columns or pairs, which are formed from means or tests before; those
#    stay.

# %% tags=["remove-input"]
prose.sentence("{said}", command="kdgan runs list", said=ledger.where_made())

# %% [markdown]
# ## Exercises
#
# 1. Filter for *ordering* and *not reproduced*. In how many of them does the evidence
#    point the other way, and in how many is it too vague to tell?
#
# :::{dropdown} Solution
# A claim that {numref}`tab-ledger-means` lists has its value on the right side of the
# rule's bound, and is vague. The others have it on the wrong side; where the interval
# holds the bound, that is vague as well. Counts and correlations have no interval: no
# width moves them.
# :::
#
# 2. Write down what the rule of `T1.38` would be if *by a large margin* meant one point
#    of accuracy. Which quantity is missing?
#
# :::{dropdown} Solution
# The rule counts the columns in which KDGAN is ahead of each other method by a paired
# test, after Holm's correction. One would need the difference itself per column, as in
# T1.39, and `interval_above: 1`.
# :::

# %% tags=["remove-input"]
notebooks.provenance()
