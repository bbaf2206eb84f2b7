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
# (ch-own)=
# # Bring your own teacher
#
# **Question.** You have a teacher, and a problem that none of the chapters is about.
# How do you train your classifier from it, and how can you tell whether that helped?
#
# - A player is any module that returns one logit per label.
# - What only teacher and discriminator may see goes into `privileged`.
# - A trained teacher may be left as it is or trained further, and it need not be a
#   network.
# - Whether it helped is a question for several seeds, paired, at equal updates.
# - If something is missing, `fit` says so in one sentence before it trains.
#
# The example is a problem of its own: digits seen through a coarse camera. Everything
# here is trained while the chapter runs.

# %% [markdown]
# ## Parameters

# %% tags=["parameters"] nbmake={"mock": {"profile": "smoke"}}
profile: str = "book"  # smoke | book | paper: 2, 5 or 20 seeds, and shorter for smoke
method: str = "kdgan"  # supervised | mimic | distn | noisy | codis | nagan | kdgan: run
n: int = 100  # labelled digits that C may learn from, 10 to 197
epochs: int = 60  # outer epochs of KDGAN; other methods make as many player updates
seed: int = 0  # seed of the run that is looked at closely

# %% tags=["remove-input"]
from kdgan_lib import notebooks

notebooks.parameters_table("12_your_own_teacher")

# %% [markdown]
# ## Four things to bring
#
# **Examples.** `inputs` is what your classifier sees when it is in use. `targets` is a
# distribution over labels, one row per example; one-hot if there is one true label.
# `privileged` is what you have in the laboratory only: a larger picture, a text, a
# second sensor. It may be left out.
#
# **A split.** Training examples, others to select on, and others to report on.
#
# **Players.** `classifier(inputs)`, `teacher(inputs, privileged)` and
# `discriminator(inputs, privileged)` return one logit per label; without `privileged`
# all are called with `inputs` alone. A method asks only for the seats that it needs.
#
# **A budget.** Passes, learning rates, batch size, and how C is selected.
#
# Here C has 16 pixels, T and D all 64, and T has learned from 600 digits that C never
# sees:

# %%
from dataclasses import replace

import torch

from kdgan_lib import Budget, Criterion, Examples, Fixed, Split, figures, fit, prose
from kdgan_lib import method as choose
from kdgan_lib.figures import own as drawings
from kdgan_lib.names import label_of
from kdgan_lib.studies import digits

elsewhere, split = digits.split(n, seed)
assert split.train.inputs.shape == (n, 16)
assert split.train.privileged.shape == (n, 64)
assert torch.allclose(split.train.targets.sum(1), torch.ones(n))

# %% tags=["hide-input"]
figures.show(
    drawings.two_views(split.test[:8]),
    name="fig-own-views",
    caption="The same digits as T and D see them (above) and as C does (below).",
    alt="Eight digits of 8 by 8 pixels over the same ones of 4 by 4.",
)

# %% [markdown]
# Data are tensors: what all players see, what T and D see besides, and for each example
# a distribution over labels. There are three sets of them: to train, to select and to
# report.

# %% tags=["remove-input"]
prose.source(digits.split)

# %% [markdown]
# A loader's batches become such tensors by
# `inputs, labels = (torch.cat(part) for part in zip(*loader))` and, for $K$ labels,
# `targets = torch.nn.functional.one_hot(labels, K).float()`: the whole data set is held
# in memory, and in a graphics card's if one is asked for.
#
# ## A teacher that has been trained
#
# How yours was trained is your affair. This one was trained so:

# %% tags=["remove-input"]
prose.source(digits.train_teacher)

# %%
passes = {"smoke": 5}.get(profile, 60)
teacher = digits.train_teacher(elsewhere, seed, passes)

# %% [markdown]
# It takes its seat with `teacher_pretraining=0`, so that its weights are the start:
# with the default, any method would first train it anew on C's few labels. In KDGAN it
# goes on learning, at a rate that should be low: it knows more than these examples can
# tell it. `fit` trains the players in place; to keep the teacher that you brought, pass
# a copy:

# %% tags=["remove-input"]
prose.source(digits.players)

# %% [markdown]
# The budget says how long each player trains and how fast; Adam is the only optimiser.
# The next cells show where this chapter's budget differs from the default, and how it
# gives every method as many player updates as KDGAN has:

# %%
default = vars(Budget())
{name: value for name, value in vars(digits.BUDGET).items() if value != default[name]}

# %% tags=["remove-input"]
prose.source(digits.equal)

# %%
outer = {"smoke": 2}.get(profile, epochs)
players = digits.players(teacher, seed)
budget = digits.equal(method, outer, n).but(evaluate_every=1)
result = fit(method, players, split, budget, seed, progress=True)
assert 0 <= result.metrics["test_accuracy"] <= 1

# %% tags=["remove-input"]
prose.sentence(
    "After {method} C reads {own} of the test digits right; T read {before} before and "
    "{after} after.",
    method=label_of(method),
    own=prose.number(100 * result.metrics["test_accuracy"], 1, "%"),
    before=prose.number(digits.percent_right(teacher, split.test), 1, "%"),
    after=prose.number(100 * result.metrics["teacher_test_accuracy"], 1, "%"),
)

# %% tags=["hide-input"]
figures.show(
    drawings.course(result.curve),
    name="fig-own-course",
    caption="The course of this run: accuracy on the held-out digits and losses, of "
    "those players that the method trains. Dotted: D's loss at the equilibrium.",
    alt="Three panels of lines over outer epochs: accuracies, losses of C and T, and "
    "the loss of D with a dotted line at log 4.",
)

# %% [markdown]
# What to look for: C's accuracy should rise and stay. At the equilibrium D cannot tell
# proposed labels from true ones, and its loss is $\log 4$; but a D that says 1/2
# because it has learned nothing has this loss, too. If it falls towards zero, D
# recognises every proposed label, and its answers teach little: give D a lower rate, or
# smooth its labels. If T's accuracy falls, T's rate is too high, or $\gamma$ is.
#
# ## Did it help?
#
# One run says little. We draw other digits, teach another teacher, and train every
# method on the same ones with the same number of player updates. The question is what a
# method adds to *labels alone*, seed by seed.

# %%
names = ("supervised", "mimic", "distn", "codis", "nagan", "kdgan")
seeds = {"smoke": 2, "book": 5, "paper": 20}[profile]
scores = digits.compare(names, n, seeds, outer, passes, progress=True)
assert scores.shape == (seeds, len(names) + 1)

# %% tags=["remove-input"]
prose.table(
    digits.summary(scores),
    "Test accuracy (%) by method with its 95% interval, and the difference from labels "
    "alone in points, paired by seed.",
    "tab-own-scores",
)

# %% tags=["remove-input"]
prose.sentence(
    "KDGAN changes the accuracy by {gain} points over {seeds} seeds, and distillation "
    "alone (DISTN) by {plain}.",
    gain=digits.gain(scores, "kdgan"),
    plain=digits.gain(scores, "distn"),
    seeds=seeds,
)

# %% [markdown]
# None of the methods was tuned here; [](#ch-compression) tells how they compare once
# all of them are. Plain distillation is the cheapest to run and to tune: start with it,
# and let the game show that it adds something.
#
# ## A teacher that cannot learn
#
# Many teachers are no networks: a forest, a support vector machine, an ensemble, a
# service that answers with probabilities. `Fixed` seats any such function.

# %%
from sklearn.ensemble import RandomForestClassifier

forest = RandomForestClassifier(n_estimators=100, random_state=seed)
forest.fit(elsewhere.privileged.numpy(), elsewhere.labels.numpy())
fixed = Fixed(forest.predict_proba)

# %% [markdown]
# Methods that do not train T take it as it is. KDGAN does with `teacher_passes=0`: C
# and D play, and T's labels stay what they are.

# %%
still = choose("kdgan", teacher_passes=0)
taught = {
    each: fit(
        each, digits.players(fixed, seed), split, digits.equal(each, outer, n), seed
    )
    for each in ("supervised", "distn", still)
}

# %% tags=["remove-input"]
prose.sentence(
    "From a forest that reads {forest} of the test digits right, C reads {distn} with "
    "DISTN and {game} in the game, against {alone} with labels alone (one run each).",
    forest=prose.number(digits.percent_right(fixed, split.test), 1, "%"),
    distn=prose.number(100 * taught["distn"].metrics["test_accuracy"], 1, "%"),
    game=prose.number(100 * taught[still].metrics["test_accuracy"], 1, "%"),
    alone=prose.number(100 * taught["supervised"].metrics["test_accuracy"], 1, "%"),
)

# %% [markdown]
# ## Targets, scores and methods of your own
#
# **Without labels.** Targets are distributions, and a teacher gives such. C can then
# learn from pictures that nobody has labelled; only selection and test need labels.

# %%
seen = split.train
with torch.no_grad():
    spoken = teacher.eval()(seen.inputs, seen.privileged).softmax(1)
unlabelled = replace(split, train=Examples(seen.inputs, spoken, seen.privileged))
from_speech = fit(
    "supervised",
    digits.players(teacher, seed),
    unlabelled,
    digits.equal("supervised", outer, n),
    seed,
)

# %% [markdown]
# **Several true labels.** Divide a row of zeros and ones by its sum. Accuracy then
# counts a label as right that is one of the true ones; the tags of [](#ch-tags) are
# scored by precision among the first three.
#
# **Another score.** C is selected and reported by a `Criterion`, accuracy by default.
# Where classes are unequal, each may count alike; rows of a rare one can be repeated.

# %% tags=["remove-input"]
prose.source(digits.balanced)

# %% [markdown]
# **Another method.** A method is a frozen dataclass that says whose turn it is, whom
# that player reads, and what it loses. This one listens to T as far as T believes the
# true label:

# %% tags=["remove-input"]
prose.source(digits.Trusting)

# %%
trusting = digits.Trusting()
trusted = fit(
    trusting,
    digits.players(teacher, seed),
    split,
    digits.equal(trusting, outer, n),
    seed,
    criterion=Criterion("balanced", digits.balanced),
)

# %% tags=["remove-input"]
prose.sentence(
    "Without a label on the digits that it is trained on C reads {spoken} of the test "
    "digits right. Trusting T, its accuracy is {trusted}, as a mean over the labels "
    "(one run each).",
    spoken=prose.number(100 * from_speech.metrics["test_accuracy"], 1, "%"),
    trusted=prose.number(100 * trusted.metrics["test_balanced"], 1, "%"),
)

# %% [markdown]
# ## Keep the classifier
#
# `result.players["classifier"]` is your module with the weights of the selected outer
# epoch. (Under the rule `best_test` it is the last: that rule's C is scored, not kept.)
# Only what an outer epoch leaves is selected from. A game may harm the pretrained C,
# whose score is in `result.curve`: look whether it was better. What the classifier
# needs in use is `inputs`, and nothing of this library.

# %%
import io

stored = io.BytesIO()
torch.save(result.players["classifier"].state_dict(), stored)
stored.seek(0)
small = digits.small()
small.load_state_dict(torch.load(stored))
same = small(split.test.inputs) == result.players["classifier"](split.test.inputs)
assert same.all()

# %% [markdown]
# A long run should survive being interrupted: pass `checkpoints=` a folder's path, and
# the same call goes on where the last one stopped, to the bit on a CPU. Its `seed` is
# that of order, noise and dropout; players begin at the weights that you give them, or,
# in a folder with a run, at those that it has.
#
# ## When something is wrong

# %%
nothing = split.validation[:0]
wrong = {
    "T's seat is empty": lambda: fit("distn", {"classifier": small}, split, budget),
    "C has too few logits": lambda: fit(
        "supervised", {"classifier": torch.nn.Linear(16, 3)}, split, budget
    ),
    "T cannot learn": lambda: fit("kdgan", digits.players(fixed), split, budget),
    "nothing is held out": lambda: fit(
        method,
        players,
        Split("mine", split.train, nothing, split.test, 10),
        budget,
    ),
}
said = {mistake: digits.refusal(call) for mistake, call in wrong.items()}

# %% tags=["remove-input"]
prose.table(
    digits.mistakes(said),
    "What `fit` says before it trains anything.",
    "tab-own-mistakes",
)

# %% [markdown]
# ## Deviations and limits
#
# 1. The paper has no such problem. In our runs of its experiments T learns from the
#    same labels as C; this one has seen others, as a teacher whom one *brings* usually
#    has.
# 2. Weights and rates are the library's defaults and a guess, the same for all methods.
#    A comparison that is to count needs a search on held-out data, with as many trials
#    for each method.
# 3. Every seed draws other digits, but from the same 1,797, and test sets overlap. The
#    intervals of {numref}`tab-own-scores` are about this collection, not about digits.
# 4. `Fixed` bounds probabilities from below, since a logit must be finite. Where a
#    teacher is sure of everything, the bound decides what its logits are, and MIMIC,
#    which copies logits, depends on it most.
#
# ## Exercises
#
# 1. Set `n` to 20 and to 197. Where does the teacher add most, and why?
#
# :::{dropdown} Solution
# With few labels. The teacher's distributions tell C of every training digit which
# other labels it resembles; with more digits the labels themselves tell as much.
# :::
#
# 2. Give T the 16 pixels only, and train it on C's own digits. What is left to distil?
#
# :::{dropdown} Solution
# No privileged information, and no other examples: what remains is a smoother version
# of the same labels. Compare it with *labels alone* before you call it a teacher.
# :::
#
# 3. In KDGAN with `teacher_passes=0`, which of Eq. 3's terms are constant?
#
# :::{dropdown} Solution
# None is: C and D still change all of them. But no player that moves takes a gradient
# of the distillation from C into T, so that $\gamma$ plays no part; and T's labels are
# still among those that D learns to tell from true ones.
# :::

# %% tags=["remove-input"]
notebooks.provenance()
