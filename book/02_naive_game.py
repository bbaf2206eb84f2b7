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
# (ch-naive)=
# # The naive game
#
# **Question.** If a classifier learns only from a discriminator, where does it end, and
# what makes the way there hard?
#
# - NaGAN is the paper's two-player baseline: classifier C against discriminator D.
# - On a table of labels its value and its best answers are short formulas.
# - We draw the field that moves C, and play the game from many starts.
# - The field almost vanishes near the corners: a classifier that is sure and wrong
#   learns slowly, even from the best possible D.

# %% tags=["remove-input"]
from dataclasses import replace

import torch

from kdgan_lib import figures, notebooks, prose
from kdgan_lib.dynamics import Play, play, random_starts
from kdgan_lib.figures import sliders
from kdgan_lib.figures import theory as drawings
from kdgan_lib.game import Game
from kdgan_lib.randomness import derive
from kdgan_lib.studies import naive

prose.claims_list(["M7"])

# %% [markdown]
# ## Background
#
# With $\alpha = 1$ and no distillation the value {eq}`eq-value` of [](#ch-game) becomes
# that of a generative adversarial network {cite:p}`goodfellow2014generative` whose
# generator draws labels, as in IRGAN {cite:p}`wang2017irgan` (Eq. 1 of the paper):
#
# $$
# \min_c \max_d \; \mathbb{E}_{p_u}[\log p_d] + \mathbb{E}_{p_c}[\log(1 - p_d)] .
# $$ (eq-naive)
#
# For a fixed D, C's loss is linear in $p_c$: it is the mean of $r(y) = \log(1 -
# p_d(y))$. We call $r$ the reward, as in reinforcement learning, though here C makes it
# small. With respect to C's logits $h$ the gradient is
#
# $$
# \nabla_h \mathbb{E}_{p_c}[r] = p_c \odot (r - \mathbb{E}_{p_c}[r]) .
# $$ (eq-naive-gradient)
#
# The paper estimates it from drawn labels, by the score function
# {cite:p}`williams1992simple`; [](#ch-concrete) compares the ways to do so. Here the
# expectation is a sum.
#
# The factor $p_c$ matters: a label that C gives no mass receives no gradient, even if D
# is certain that it is the true one. The same minimax problem with other divergences is
# the family of f-GANs {cite:p}`nowozin2016fgan`.

# %% tags=["parameters"] nbmake={"mock": {"profile": "smoke"}}
profile: str = "book"  # smoke | book | paper: how many rounds are played
step_size: float = 0.5  # gradient step of both players
seed: int = 0  # seed of the random starts

# %% tags=["remove-input"]
notebooks.parameters_table("02_naive_game")

# %% tags=["remove-input"]
prose.source(Game.adversarial)

# %% tags=["remove-input"]
prose.source(naive.field)

# %% [markdown]
# **Check.** {eq}`eq-naive-gradient` against automatic differentiation.

# %%
game = Game.nagan(torch.tensor([0.2, 0.3, 0.5]))
h = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64).requires_grad_()
reward = torch.tensor([[-0.3, -1.2, -0.1]], dtype=torch.float64)
p_c = h.softmax(-1)
(slope,) = torch.autograd.grad((p_c * reward).sum(), h)
assert torch.allclose(slope, p_c * (reward - (p_c * reward).sum()))

# %% [markdown]
# ## The field that moves the classifier
#
# Let D answer at its best. Two rewards are common: $\log(1 - p_d)$ of {eq}`eq-naive`,
# called *saturating*, and $-\log p_d$, the remedy of
# {cite:t}`goodfellow2014generative`.

# %% tags=["hide-input"]
fields = {
    "log(1 - D), as in the paper": lambda h: naive.field(game, h),
    "-log D, non-saturating": lambda h: naive.field(game, h, saturating=False),
}
figures.show(
    drawings.field_on_triangle(fields, {"true law": game.p_u}),
    name="fig-naive-field",
    caption="Where descent moves C's law when D is at its best, for the two rewards. A "
    "point is a law over three labels, a corner is certainty. Colour: speed.",
    alt="Two triangles of arrows that point to a star, the true law. The arrows are "
    "slow, in dark colours, near the star and at a few places along the edges.",
)

# %% [markdown]
# Inside the triangle both fields vanish only at the star, and both fade towards the
# corners. The name *saturating* comes from generators that are differentiated through
# D, where $\log(1 - p_d)$ is flat as soon as D rejects. {eq}`eq-naive-gradient`
# contains the values of the reward, not its slope: a label that D surely rejects keeps
# a gradient, unless D rejects all labels alike. On a table the softmax saturates, not
# the logarithm.

# %%
one, all_alike = [1e-9, 0.5, 0.5], [1e-9, 1e-9, 1e-9]
reward = (1 - torch.tensor([one, all_alike], dtype=torch.float64)).log()
law = p_c.detach()
kept, gone = law * (reward - (law * reward).sum(-1, keepdim=True))
assert kept[0] > 0.1
assert gone.abs().max() < 1e-9

# %% [markdown]
# ## Play
#
# D does not jump to its best answer; it takes one step, then C does.

# %%
rounds = {"smoke": 300, "book": 1500, "paper": 6000}[profile]
rules = Play(steps=rounds, records=rounds, step_size=step_size)
starts = random_starts(game, 6, derive(seed, "naive"), scale=1.5)
path = play(game, starts, rules)
together = play(game, starts, replace(rules, schedule="simultaneous"))
gentle = play(game, starts, replace(rules, saturating=False))

# %% tags=["hide-input"]
figures.show(
    drawings.paths_on_triangle(path, players=("classifier",)),
    name="fig-naive-triangle",
    caption="NaGAN with exact gradients from six starts (dots) to the true law (star).",
    alt="A triangle with six lines from six dots that bend around and end at one star.",
)

# %% tags=["hide-input"]
three_ways = {
    "alternating": naive.alone(path),
    "simultaneous": naive.alone(together),
    "non-saturating": naive.alone(gentle),
}
figures.show(
    drawings.convergence(three_ways),
    name="fig-naive-convergence",
    caption="Worst of six starts against rounds: distance of $p_c$ to the true law, "
    "of the value to $-\\log 4$, and of D to one half.",
    alt="Three panels of falling lines on logarithmic axes; every line falls by "
    "orders of magnitude and waves slightly on its way.",
)

# %% tags=["remove-input"]
prose.sentence(
    "After {rounds} rounds the worst of the starts has come to a total variation of "
    "{paper} from the true law with the paper's reward, and of {gentle} with "
    "$-\\log p_d$; D is within {doubt} of one half.",
    rounds=prose.number(rounds, 0),
    paper=prose.number(float(three_ways["alternating"].distance()[-1].max()), 5),
    gentle=prose.number(float(three_ways["non-saturating"].distance()[-1].max()), 5),
    doubt=prose.number(float(path.doubt()[-1].max()), 5),
)

# %% [markdown]
# ## Sure and wrong
#
# Now C starts with one wrong label ahead of the others by a gap in the logits. The time
# to come within 0.1 of the true law grows by a factor with each unit of the gap,
# because the gradient has the probability of the missing labels as a factor. A sampled
# gradient fares worse still: these labels are hardly ever drawn.

# %%
gaps = {"smoke": [0.0, 2.0], "book": [0.0, 2.0, 4.0, 6.0, 8.0]}.get(
    profile, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
)
slow = naive.escape_times(game, gaps, rules, budget=4 * rounds)

# %% tags=["hide-input"]
figures.show(
    drawings.lines({"": slow}, "logit gap at the start", "rounds", logarithmic="y"),
    name="fig-naive-escape",
    caption="Rounds until C is within 0.1 of the true law, from a start that is wrong "
    "by a given logit gap. A missing point: not within the budget.",
    alt="Two rising lines on a logarithmic axis, one per reward.",
)

# %% tags=["remove-input"]
prose.sentence(
    "At a gap of {gap}, $\\log(1 - p_d)$ takes {paper} rounds and $-\\log p_d$ takes "
    "{gentle}: the classic remedy against saturation is no remedy for a saturated "
    "softmax.",
    gap=prose.number(slow.index[-1], 0),
    paper=prose.number(float(slow.iloc[-1, 0]), 0),
    gentle=prose.number(float(slow.iloc[-1, 1]), 0),
)

# %% [markdown]
# Of its networks the paper reports that NaGAN's gradients "often vanish or explode"
# (claim M20). [The chapter on variance](#ch-variance) measures whether they do on
# MNIST; the table of labels shows one way to vanish that needs no network.
#
# ## Explore

# %% tags=["hide-input"]
sizes = [0.1, 0.5, 2.0, 8.0]
brief = {
    size: play(game, starts, replace(rules, step_size=size, steps=min(rounds, 400)))
    for size in sizes
}
sliders.slider(
    lambda size: drawings.paths_on_triangle(brief[size], players=("classifier",)),
    {"step size": sizes},
    caption="The same six starts, at most 400 rounds, for chosen step sizes.",
    alt="Paths of the classifier on the three-label triangle",
    start=(1,),
)

# %% [markdown]
# ## Verdict

# %% tags=["remove-input"]
prose.verdict("M7")

# %% [markdown]
# ## Deviations from the paper
# 1. Laws are tables and expectations are sums; the paper trains networks on samples.
# 2. One step per player and round, where Algorithm 1 makes several.
#
# ## Exercises
# 1. Show that at $p_d = 1/2$ every $p_c$ is a best answer of C. Why is $p_c = p_u$
#    still the only equilibrium?
#
# :::{dropdown} Solution
# The reward is then the constant $-\log 2$, so C is indifferent. In any equilibrium D
# is at its best, so that $r = \log(p_c / (p_u + p_c))$, which rises with $p_c / p_u$.
# Were this ratio not the same at all labels with $p_u > 0$, C would gain by moving mass
# to one where it is least; and a label with $p_u = 0$ has the largest reward, 0, and
# gets no mass. So the ratio is constant, hence 1: $p_c = p_u$, and D says 1/2.
# :::
#
# 2. D gets a step ten times larger. What do you expect of {numref}`fig-naive-triangle`?
#    Try it with `discriminator_step_size`, a field of the game's rules.
#
# :::{dropdown} Solution
# D is then always near its best answer, and the paths follow the field of
# {numref}`fig-naive-field` straight to the star, without bending around it.
# :::

# %% tags=["remove-input"]
notebooks.provenance(device="cpu")
