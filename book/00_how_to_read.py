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
# (ch-how-to-read)=
# # How to read this book
#
# **Question.** What does it mean, here, that a claim of a paper was *reproduced*?
#
# - The paper's statements are cut into single claims, each with a short name: `F3a.5`
#   is the fifth of its Figure 3a, `T1.5` one of Table 1, `S5` one of the set-up, `M5`
#   one of the method and its mathematics, `X1` one of the introduction.
# - Every claim that can be tested has a rule that was written before its runs; where
#   one was changed later, its box says so and why.
# - Rules are applied to stored measurements, not to impressions, and the answer is one
#   of six verdicts.
# - Every result in a sentence, table or figure is read from stored runs, or computed,
#   when the chapter is executed. If rows are missing, the chapter says so and prints no
#   number.
# - You can change a chapter's parameters and run it again.

# %% tags=["remove-input"]
from kdgan_lib import claims, figures, notebooks, prose, stats, tables
from kdgan_lib.figures import sliders
from kdgan_lib.reports import verdict_counts
from kdgan_lib.studies import demonstrations

prose.sentence(
    "The ledger holds **{count} claims** of the paper {{cite}}`wang2018kdgan`.",
    count=prose.number(len(claims.ledger()), 0),
)

# %% [markdown]
# ## The verdicts at a glance
#
# One square per claim, in the order of the ledger; point at a square to see which claim
# it is, and follow it to its chapter. ● reproduced, ◐ partly, ◔ at most partly, ○ not
# reproduced, – not testable here, · not run. [](#ch-ledger) has them all in words.

# %% tags=["remove-input"]
prose.verdict_strip()

# %% tags=["remove-input"]
prose.table(
    verdict_counts.by_chapter(),
    "Number of claims per chapter and verdict.",
    "tab-verdict-counts",
)

# %% tags=["remove-input"]
prose.sentence("{said}", said=verdict_counts.built())

# %% [markdown]
# ## Six terms
#
# **Claim.** One checkable statement of the paper, in our own words, with the paper's
# number where it gives one. There are four kinds: *theory* (an identity or a lemma,
# checked numerically), *quantity* (a number), *ordering* (who is ahead of whom) and
# *set-up* (sizes and procedures).
#
# **Rule.** A condition on measured quantities, such as "the 95% interval of the
# difference lies above 0". It stands in `book/claims.yml` and was fixed before the
# runs, or its box says when and why it was changed.
#
# **Verdict.** What the rule says about the measurements: *reproduced*, *partly*, *not
# reproduced*, *not testable here* (something is needed that is not public), or *not
# run*. A claim about several columns of a table may be lost before all of them are run:
# *at most partly* says that no result of the columns that were not run can make it
# *reproduced*, and that they decide between *partly* and *not reproduced*.
#
# **Protocol.** A paper and the code released with it may leave open, or differ in,
# details that decide the numbers: augmentation, the number of label samples, the
# temperature schedule, which evaluation is reported. We therefore run experiments under
# three named protocols. `paper` takes the text literally; `code` follows the released
# program; `controlled` gives every method the same augmentation, the same number of
# player updates, the same budget for tuning, and selection on held-out data. A
# comparison of methods is made within one protocol, never across.
#
# **Profile.** How much is trained on your machine. `smoke` trains for seconds and shows
# only that a chapter works. `book`, the default, reads the stored runs and trains one
# live demonstration of about a minute. `paper` also trains those runs of the chapter
# that are not stored; to make all of them anew, point `KDGAN_RUNS` at an empty folder.
# (It has nothing to do with the protocol of that name, which says how runs are made.)
#
# **Interval.** A mean of a few runs is uncertain. We write it as value [low, high]; the
# bracket is a 95% confidence interval over independent seeds. The bands of figures are
# Student's interval: with $m$ runs of mean $\bar a$ and standard deviation $s$,
#
# $$
# \bar a \pm t_{0.975,\,m-1}\, \frac{s}{\sqrt{m}},
# $$ (eq-interval)
#
# where $t$ is a quantile of Student's distribution. Tables and verdicts on runs use the
# same interval for three to nine runs; one or two runs have none. From ten runs on they
# use the bias-corrected bootstrap (BCa), which does not suppose that runs are normally
# distributed. In return it is too narrow where runs are few, which is why it is not
# used for fewer than ten. Even at ten it is too narrow: on invented runs it misses the
# truth about twice as often as it should ({numref}`tab-coverage` counts), and it may
# exclude zero where the t-test beside it finds no difference. Why a table of few runs
# needs intervals at all is argued by {cite:t}`agarwal2021deep`. Methods that share
# seeds are compared seed by seed: the interval is that of the differences.

# %% [markdown]
# ## What a verdict looks like
#
# A box carries the claim, its rule, the evidence, the protocol and the number of runs.
# A theorem has no runs: it is computed.

# %% tags=["remove-input"]
prose.verdict("M5")

# %% [markdown]
# A rule is a small piece of data, and judging is one pure function. This is the
# library's own source:

# %% tags=["remove-input"]
prose.source(claims.apply_rule)

# %% [markdown]
# We can feed it invented evidence. Rules about an interval ask more than rules about a
# mean: a difference may be positive and yet not be told from zero.

# %%
rule = {
    "reproduced": {"quantity": "difference", "interval_above": 0},
    "partly": {"quantity": "difference", "above": 0},
}
clear = demonstrations.evidence(difference=(1.2, 0.4, 2.0))
vague = demonstrations.evidence(difference=(1.2, -0.4, 2.8))
absent = demonstrations.evidence()
assert claims.apply_rule(rule, clear) == "reproduced"
assert claims.apply_rule(rule, vague) == "partly"
assert claims.apply_rule(rule, absent) == "not run"

# %% [markdown]
# ## How a number refuses to appear
#
# Results of runs come from tables only. To see it, we point the library at an empty
# folder of runs and ask for the same box again, for a sentence with a number in it, and
# for a figure.

# %%
with demonstrations.empty_runs():
    box = prose.verdict("M5")
    words = prose.sentence(
        "The error is {error}.",
        command="kdgan claims --update M5",
        error=prose.number(tables.value("M5", "error"), 4),
    )
box

# %%
words

# %% tags=["hide-input"]
with demonstrations.empty_runs():
    curves = tables.curves(grid="figure3a", protocol="controlled")
figures.show(
    figures.curves_with_band(curves, "epoch", "classifier_test_accuracy"),
    name="fig-refusal",
    caption="A figure whose rows are missing says so and names the command to run.",
    alt="A box with the words not run and a command.",
    command="kdgan sweep figure3a",
)

# %% [markdown]
# ## How sure can ten runs be?
#
# The book's experiments are repeated with different seeds. How does the width of an
# interval depend on their number? Here runs are *invented*: normal draws with a mean of
# 80 and a standard deviation of your choice, so that the true answer is known.

# %% tags=["parameters"] nbmake={"mock": {"profile": "smoke"}}
profile: str = "book"  # smoke | book | paper: how many experiments are invented
seed: int = 0  # seed of the invented runs
spread: float = 1.0  # standard deviation of the invented runs, in points

# %% tags=["remove-input"]
notebooks.parameters_table("00_how_to_read")

# %%
experiments = {"smoke": 200, "book": 4000, "paper": 20000}[profile]
tabled = {"smoke": 100, "book": 1000, "paper": 4000}[profile]
invented = demonstrations.coverage(experiments, spread, seed, tabled)
assert invented["covered"].between(0.9, 1.0).all()
assert invented[demonstrations.TABLED].between(0.8, 1.0).all()

# %% tags=["remove-input"]
prose.table(
    invented,
    "Invented experiments: mean half width of Student's 95% interval, share of these "
    "intervals that hold the true mean, and the same share for the interval that "
    "tables and verdicts have: Student's below ten runs, then the bootstrap.",
    "tab-coverage",
    formats={"half width": ".2f", "covered": ".3f", demonstrations.TABLED: ".3f"},
)

# %% tags=["remove-input"]
student = invented["covered"]
prose.sentence(
    "Student's interval holds the truth in a share of {least} to {most} of the "
    "experiments, whatever the number of runs.",
    least=prose.number(student.min(), 3),
    most=prose.number(student.max(), 3),
)

# %% tags=["remove-input"]
in_tables = invented.set_index("runs")[demonstrations.TABLED]
prose.sentence(
    "The bootstrap of the tables, formed for {tabled} experiments a row, holds it in a "
    "share of {first} with {many} runs and of {last} with {largest}.",
    tabled=prose.number(tabled, 0),
    first=prose.number(in_tables[stats.MANY], 2),
    many=stats.MANY,
    last=prose.number(in_tables.iloc[-1], 2),
    largest=in_tables.index[-1],
)

# %% [markdown]
# What more runs buy is a narrower interval, and from ten on one that does not suppose a
# normal law.
# {numref}`fig-intervals` shows twenty experiments of ten runs each, with Student's
# intervals.

# %% tags=["hide-input"]
figures.show(
    demonstrations.intervals_figure(runs=10, spread=spread, seed=seed),
    name="fig-intervals",
    caption="Twenty invented experiments of ten runs each: mean and Student's 95% "
    "interval. The dashed line is the truth; intervals that miss it are drawn in "
    "orange.",
    alt="Twenty horizontal intervals around a dashed line; nearly all cross it.",
)

# %% [markdown]
# ### Explore
#
# Move the slider to change the number of runs. It works without a running kernel.

# %% tags=["hide-input"]
sliders.slider(
    lambda runs: demonstrations.intervals_figure(runs, spread, seed),
    {"runs per experiment": [2, 3, 5, 10, 20, 50]},
    caption="The same picture for other numbers of runs.",
    alt="Twenty invented experiments as intervals around the true mean",
    start=[3],
)

# %% [markdown]
# ## Run it again
#
# | to do | type |
# |:---|:---|
# | run every chapter and build the site | `make book` |
# | open the chapters in JupyterLab | `make lab` |
# | run one chapter with other values | `kdgan book run 00 -p spread 2.5` |
# | train one method | `kdgan train --method kdgan --data mnist --n 100 --seed 3` |
# | measure the claims from the stored runs | `kdgan claims --update` |
# | see whether kept outputs are up to date | `kdgan book check` |
#
# A chapter's text and notebook are one document in two files, `.py` and `.ipynb`. A
# stamp in the notebook records what its outputs were made from: the text, the library's
# files, and the rows it read.
#
# ## Deviations from the paper
#
# This chapter has no counterpart in the paper, and the rules are ours: the paper states
# results, not conditions under which it would call them repeated. A reader who finds a
# rule too strict or too generous can change it in `book/claims.yml` and see which
# verdicts move.
#
# ## Exercises
#
# 1. A method is ahead by 0.8 points with an interval of [−0.1, 1.7]. What does a rule
#    with `interval_above: 0` say? What would you do next?
#
# :::{dropdown} Solution
# Not reproduced, or *partly* if the rule for *partly* asks only for a positive mean.
# The interval is 1.8 points wide; by {eq}`eq-interval` four times as many runs would
# about halve it. Decide how many runs you will add *before* you look at them.
# :::
#
# 2. Why is it unfair to report, for each run, the best accuracy among all its
#    evaluations on the test set?
#
# :::{dropdown} Solution
# The largest of many noisy values lies above their mean, by more the noisier the curve
# is. So the unstable method gains most. Chapters that compare protocols show by how
# much.
# :::

# %% tags=["remove-input"]
notebooks.provenance()
