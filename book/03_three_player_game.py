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
# (ch-game)=
# # Three players and their equilibrium
#
# **Question.** Three players share one value. Where does their game end, is that the
# same place for all weights, and does the paper's algorithm get there?
#
# - We write the game of {cite:t}`wang2018kdgan` for a finite set of labels, where every
#   expectation is a sum and nothing is estimated.
# - We check its identities, then look for its minimum from a hundred random starts.
# - We then play Algorithm 1 on it. Its players have objectives of their own, so the
#   theorem, which is about one joint minimum, does not apply; we measure where it ends.
#
# Each proof is in [the appendix](#ch-proofs), step by step, beside its numerical check.

# %% tags=["remove-input"]
from dataclasses import replace

import pandas as pd
import torch

from kdgan_lib import dynamics, figures, notebooks, prose, tables
from kdgan_lib.dynamics import Play, Sampling, joint_minimum, play, random_starts
from kdgan_lib.figures import players, sliders
from kdgan_lib.figures import theory as drawings
from kdgan_lib.game import DISTILLATIONS, Game
from kdgan_lib.randomness import derive
from kdgan_lib.studies import naive, outcomes, students

prose.claims_list(["M1", "M2", "M3", "M4", "M5", "M24"])

# %% [markdown]
# ## Background
#
# For an input $x$ the labels $y$ have a true law (a probability distribution) $p_u(y
# \mid x)$. The classifier C answers with $p_c = \mathrm{softmax}(h)$, the teacher T,
# who sees more, with $p_t = \mathrm{softmax}(f)$, and the discriminator D rates each
# label with $p_d = \mathrm{sigmoid}(g)$. $\mathcal{L}^c_{DS}$ and $\mathcal{L}^t_{DS}$
# are the distillation losses of C from T and of T from C. C and T make the value small,
# and D makes it large (the paper's Eq. 3):
#
# $$
# \begin{aligned}
# U = {} & \mathbb{E}_{p_u}[\log p_d] + \alpha\,\mathbb{E}_{p_c}[\log(1 - p_d)]
# + (1 - \alpha)\,\mathbb{E}_{p_t}[\log(1 - p_d)] \\
# & + \beta\,\mathcal{L}^c_{DS} + \gamma\,\mathcal{L}^t_{DS}.
# \end{aligned}
# $$ (eq-value)

# %% tags=["remove-input"]
figures.show(
    players.the_game(),
    name="fig-game-players",
    caption="Who teaches whom. Solid: C and T offer labels to D beside the true ones, "
    "with weights $\\alpha$ and $1 - \\alpha$, and follow each other's logits $h$ and "
    "$f$ through the distillation loss $\\ell_{DS}$, with weights $\\beta$ (C) and "
    "$\\gamma$ (T). Dashed: what D says of the offered labels. $x$ is the image; $z$, "
    "a text beside it in some tasks, is kept from C.",
    alt="Four boxes. Arrows lead from teacher, classifier and true labels to the "
    "discriminator, dashed ones from the discriminator back to teacher and "
    "classifier, and one each way between teacher and classifier.",
)

# %% [markdown]
# The two adversarial terms are one expectation under a mixture (the paper's
# Eq. 4),
#
# $$
# p_\alpha = \alpha\,p_c + (1 - \alpha)\,p_t ,
# $$ (eq-mixture)
#
# so D meets only $p_\alpha$, and its best answer is (Lemma 4.1)
#
# $$
# p_d^* = \frac{p_u}{p_u + p_\alpha} .
# $$ (eq-best-d)
#
# Put back into {eq}`eq-value` it leaves the Jensen–Shannon divergence JS and two
# penalties (the paper's Eq. 5):
#
# $$
# U^* = 2\,\mathrm{JS}(p_u \,\|\, p_\alpha) + \beta\,\mathcal{L}^c_{DS}
# + \gamma\,\mathcal{L}^t_{DS} - \log 4 .
# $$ (eq-at-best)
#
# The divergence and the penalties are non-negative, so $U^* \ge -\log 4$. Theorem 4.2
# says that equality holds exactly at $p_c = p_t = p_u$. For that, two conditions must
# hold, and each is looked at below: there is some distillation, $\beta + \gamma > 0$,
# and its loss is zero exactly where the laws are equal. L2 on logits is not such a
# loss; it is zero only where the logits are equal.

# %% tags=["parameters"] nbmake={"mock": {"profile": "smoke"}}
profile: str = "book"  # smoke | book | paper: how many starts and rounds are played
alpha: float = 0.3  # weight of C's adversarial term, T's is 1 - alpha
beta: float = 1.0  # weight of C's distillation from T
gamma: float = 0.5  # weight of T's distillation from C
distillation: str = "l2_logits"  # l2_logits | l2_probabilities | kl | reverse_kl: loss
seed: int = 0  # seed of the random starts

# %% tags=["remove-input"]
notebooks.parameters_table("03_three_player_game")

# %% [markdown]
# ## The game, as code
#
# The library's `Game` is the equations above. Labels nobody uses need care: $0 \log 0$
# is 0, and where both $p_u$ and $p_\alpha$ are zero every D is best and we return 1/2.

# %% tags=["remove-input"]
prose.source(Game.optimal_discriminator)

# %% tags=["remove-input"]
prose.source(Game.value_at_best_response)

# %% [markdown]
# **Check.** The paper's Eq. 5 is an identity. We draw three laws and compare the two
# ways to the value.

# %%
p_u, p_c, p_t = (
    torch.randn((3, 10), generator=derive(seed, "laws")).double().softmax(-1)
)
ten = Game(p_u, alpha, beta, gamma, distillation)
best = ten.optimal_discriminator(p_c, p_t)
assert abs(ten.value(p_c, p_t, best) - ten.value_at_best_response(p_c, p_t)) < 1e-10
assert abs(ten.value(*ten.equilibrium()) + torch.tensor(4.0).log()) < 1e-6

# %% [markdown]
# ## The joint minimum
#
# Theorem 4.2 is about one problem: choose both laws to make {eq}`eq-at-best` as small
# as possible. We search for its minimum from random starts, with ten labels. In the
# *logits* the problem is not convex, so the theorem leaves open whether a descent finds
# the minimum. Newton steps that divide by the absolute curvature
# {cite:p}`dauphin2014identifying` do find it.

# %%
starts = {"smoke": 10, "book": 100, "paper": 100}[profile]
found = joint_minimum(ten, random_starts(ten, starts, derive(seed, "joint")))
farthest = float(found.distance()[-1].max())
last_c, last_t, _ = found.last.strategies()
excess = ten.value_at_best_response(last_c, last_t) + torch.tensor(4.0).double().log()
assert farthest < 1e-6
assert excess.abs().max() < 1e-8

# %% tags=["remove-input"]
prose.sentence(
    "From each of {starts} random starts the search ended within {farthest} of $p_u$ "
    "in total variation, with a value within {excess} of $-\\log 4$, after at most "
    "{steps} steps.",
    starts=prose.number(starts, 0),
    farthest=prose.number(farthest, 6),
    excess=prose.number(float(excess.abs().max()), 9),
    steps=prose.number(float(found.steps_to(1e-6).max()), 0),
)

# %% [markdown]
# ## Algorithm 1 plays another game
#
# In Algorithm 1 each player moves alone and on its own loss: C on its adversarial term
# and $\beta \mathcal{L}^c_{DS}$, T on its adversarial term and $\gamma
# \mathcal{L}^t_{DS}$. T treats C's law as a constant, and C treats T's as one. This is
# a *general-sum* game: in general there is no single function that all of their steps
# lower. (For $\beta = \gamma$, a symmetric loss and a D at its best one does:
# $2\,\mathrm{JS} + \beta\,\mathcal{L}_{DS}$.) Such dynamics may circle
# {cite:p}`mescheder2018which`, although the logistic discriminator on a table damps
# itself {cite:p}`nagarajan2017gradient`.
#
# The appendix shows what the paper does not: for $0 < \alpha < 1$ and $\beta + \gamma >
# 0$, *every* rest point with full support of these dynamics has $p_c = p_t = p_u$, for
# all four distillation losses. Whether play gets there is a question of stability and
# of patience, which we measure. First with three labels, so that we can look.

# %% [markdown]
# Before anything moves, look at the field that drives C while T stands still at a wrong
# law and D answers at its best. Without distillation C makes up for T's error, so that
# the *mixture* is right; with distillation C is drawn from there towards T.

# %%
three = Game(torch.tensor([0.2, 0.3, 0.5]), alpha, beta, gamma, distillation)
still = students.wrong_teacher(three.p_u, 0.2, label=0).log()
pulled = {
    rf"$\beta$ = {b:g}": lambda h, b=b: naive.field(
        replace(three, alpha=0.5, beta=b), h, teacher=still
    )
    for b in (0.0, 0.1, 1.0)
}

# %% tags=["hide-input"]
figures.show(
    drawings.field_on_triangle(
        pulled, {"true law": three.p_u, "teacher": still.softmax(-1)}
    ),
    name="fig-game-field",
    caption="Where descent moves C beside a fixed wrong teacher, for three weights of "
    "distillation; $\\alpha = 1/2$, D at its best. Colour: speed.",
    alt="Three triangles of arrows. At beta zero they lead to a point on the far side "
    "of the true law; at larger beta to points nearer and nearer to the teacher.",
)

# %% [markdown]
# No field leads to the true law: a teacher that never learns spoils the game. In
# Algorithm 1 T moves too.

# %%
rounds = {"smoke": 300, "book": 1500, "paper": 6000}[profile]
five = random_starts(three, 5, derive(seed, "three"), scale=1.5)
step = min(0.5, 1 / (beta + gamma + 1e-9))  # L2 on logits contracts at such steps
rules = Play(steps=rounds, records=rounds, step_size=step)
path = play(three, five, replace(rules, discriminator_step_size=0.5))

# %% tags=["hide-input"]
figures.show(
    drawings.paths_on_triangle(path),
    name="fig-game-triangle",
    caption="Paths of C and T under Algorithm 1 with exact gradients, on three labels. "
    "A point is a law, and a corner is certainty. Dots are starts; the star is the "
    "true law.",
    alt="A triangle with ten winding lines, five of the classifier and five of the "
    "teacher, which first join in pairs and then end at the star.",
)

# %% [markdown]
# The two players of a pair approach each other first, pulled by distillation, and then
# go together where the discriminator sends them.
#
# {numref}`fig-game-convergence` follows the numbers: alternating and simultaneous
# moves, and labels *sampled* (16 per player and round) in place of exact sums.

# %%
sampled_rules = replace(rules, discriminator_step_size=0.5)
together = play(three, five, replace(sampled_rules, schedule="simultaneous"))
drawn = play(three, five, sampled_rules, Sampling(num_samples=16), derive(seed, "draw"))
runs = {"alternating": path, "simultaneous": together, "sampled": drawn}

# %% tags=["hide-input"]
figures.show(
    drawings.convergence(runs),
    name="fig-game-convergence",
    caption="Worst of five starts by round: total variation to the true law (left), "
    "distance of the value from its equilibrium $-\\log 4$ (middle), and the largest "
    "distance of D's answers from one half (right).",
    alt="Three panels with logarithmic axes. With exact gradients all three "
    "quantities fall along straight lines; with sampled labels they stop falling at a "
    "noise floor.",
)

# %% tags=["remove-input"]
prose.sentence(
    "After {rounds} rounds the worst of the starts has come to a total variation of "
    "{exact} from the true law with exact gradients, and of {sampled} with sampled "
    "labels. A fixed step on noisy gradients has a noise floor: to end at the "
    "equilibrium itself, steps or noise must shrink.",
    rounds=prose.number(rounds, 0),
    exact=prose.number(float(path.distance()[-1].max()), 4),
    sampled=prose.number(float(drawn.distance()[-1].max()), 4),
)

# %% [markdown]
# ## Best answers instead of steps
#
# Algorithm 1 takes small steps. What if a player went all the way to its best answer to
# the other two? With $\mathrm{KL}(p_c \,\|\, p_t)$ as C's distillation the answer has a
# closed form,
#
# $$
# p_c(y) \propto p_t(y) \, (1 - p_d(y))^{-\alpha / \beta} ,
# $$ (eq-best-c)
#
# and T's is the same with the roles exchanged: the other player's law, tilted to the
# labels that D takes for true ones. Distillation decides how far: the exponent grows
# without bound as $\beta \to 0$, and the answer becomes a corner. Below, D, T and C
# answer in turn, from five starts, for four weights $\beta = \gamma$.

# %%
answered = {}
for weight in (0.1, 0.3, 1.0, 10.0):
    game = replace(three, beta=weight, gamma=weight, distillation="reverse_kl")
    rest = game.equilibrium()  # no player gains by leaving it alone
    assert torch.allclose(torch.stack(rest), torch.stack(game.best_responses(*rest)))
    path = dynamics.best_answers(game, five, rounds={"smoke": 20}.get(profile, 60))
    answered[weight] = path.distance().amax(-1).clamp_min(1e-16)  # worst start

# %% tags=["hide-input"]
frame = pd.DataFrame({rf"$\beta = \gamma$ = {w:g}": d for w, d in answered.items()})
figures.show(
    drawings.lines({"": frame}, "round", "total variation to $p_u$", logarithmic="y"),
    name="fig-game-answers",
    caption="Players that jump to their best answers: distance of the worst of five "
    "starts to the true law, for four weights of distillation.",
    alt="Four curves on a logarithmic axis. At weight 0.1 the curve stays near one; at "
    "0.3 and 1 it falls steeply after some rounds; at 10 it falls slowly.",
)

# %% tags=["remove-input"]
prose.sentence(
    "After {rounds} rounds the worst start is at {weak} for a weight of 0.1, at "
    "{right} for 1 and at {strong} for 10.",
    rounds=prose.number(len(frame) - 1, 0),
    weak=prose.number(float(answered[0.1][-1]), 2),
    right=prose.number(float(answered[1.0][-1]), 4),
    strong=prose.number(float(answered[10.0][-1]), 4),
)

# %% [markdown]
# At the equilibrium each player's best answer is to stay, whatever the weight. On the
# way there the weight decides: with little distillation C and T leap from corner to
# corner after D; with much they hardly leave each other, and the pair creeps. The small
# steps of Algorithm 1 keep the leaps short without distillation's help.
#
# ## Does it end there for every weighting?
#
# The grid below plays exact Algorithm 1 with ten labels (Zipf's law) for 20,000 rounds,
# for seven values of $\alpha$ and five each of $\beta$ and $\gamma$, from four starts.
# A cell is the share of starts from which *both* players come within $10^{-3}$ of the
# true law.

# %% tags=["hide-input"]
command = "python -m kdgan_lib.studies.outcomes"
rows = tables.rows("theory", distillation=distillation, schedule="alternating")
figures.show(
    drawings.arrival_map(rows),
    name="fig-game-grid",
    caption="Share of starts from which alternating Algorithm 1 reached the true law; "
    f"distillation: {drawings.LOSSES[distillation]}.",
    alt="Seven maps, one for each alpha, over gamma and beta. Zeros stand where beta "
    "and gamma are both zero, where the player without adversarial weight has no "
    "distillation weight either, and, for L2 on logits at alpha 0 or 1, where the "
    "player that hears D distils a hundred times as strongly as the other or more; "
    "nearly everything else is one.",
    command=command,
)

# %% tags=["remove-input"]
prose.table(
    outcomes.summary(tables.rows("theory", schedule="alternating")).replace(
        drawings.LOSSES
    ),
    "How exact alternating Algorithm 1 ended over the grid: share of starts that "
    "arrived, distance of C, T and their mixture from the true law in total variation, "
    "and rounds to arrive. Silenced: a player has no loss at all ($\\alpha = 1, "
    "\\gamma = 0$ or $\\alpha = 0, \\beta = 0$). Undistilled: $\\beta = \\gamma = 0$. "
    "Interior: all others; every rest point with full support is the true law.",
    "tab-game-grid",
    command=command,
    formats={"arrived": ".2f", "starts": ".0f"}
    | dict.fromkeys(("median C", "worst C", "worst T", "worst mixture"), ".1g"),
)

# %% tags=["remove-input"]
prose.sentence(
    "The order of moves matters little: of the interior starts a share of {together} "
    "arrives with simultaneous moves and of {alternating} with alternating ones.",
    command=command,
    together=prose.number(
        outcomes.arrived(tables.rows("theory", schedule="simultaneous")), 3
    ),
    alternating=prose.number(
        outcomes.arrived(tables.rows("theory", schedule="alternating")), 3
    ),
)

# %% [markdown]
# Among interior weights, where are the starts that have not arrived after 20,000
# rounds? Not at rest, since there is no other rest point with full support. What we
# expect is slow motion. Strong distillation ties C and T together, and the pair then
# moves with the speed $s$ of the appendix ({eq}`eq-proof-speed`), $(\gamma \alpha +
# \beta (1 - \alpha)) / (\beta + \gamma)$ times the step. It is low where the player
# that hears D follows the other one strongly. {numref}`fig-game-speed` compares. L2 on
# probabilities is the exception: its own pull fades with $p_c$, so its players are not
# tied tightly.
#
# The figure has starts with $\beta + \gamma \ge 1$ only. Where distillation is weak,
# motion is slow for another reason: the mixture is right soon, and along the family
# $p_\alpha = p_u$ only distillation moves the players: near $p_u$ at $(\gamma \alpha +
# \beta (1 - \alpha)) / (\alpha^2 + (1 - \alpha)^2)$ times the step times the curvature
# of the loss ({eq}`eq-proof-weak`), which for KL is about $p$ and for L2 on
# probabilities about $p^2$.

# %% tags=["hide-input"]
everything = tables.rows("theory", schedule="alternating")
interior = outcomes.interior(everything)
figures.show(
    drawings.rounds_against_speed(interior, "rounds_to_1e-3"),
    name="fig-game-speed",
    caption="Rounds to come within $10^{-3}$ against the predicted speed, one mark "
    "per start with $\\beta + \\gamma \\ge 1$; on the dotted line: not arrived.",
    alt="A cloud of marks that falls from the upper left to the lower right; marks on "
    "the dotted line are at the left, where the predicted speed is lowest.",
    command=command,
)

# %% tags=["remove-input"]
late = outcomes.lateness(everything)
prose.sentence(
    "Of {starts} interior starts {late} have not arrived. Of these {weak} have $\\beta "
    "+ \\gamma < 1$, and {near} are within $10^{{-2}}$ of the true law. They were not "
    "followed further.",
    command=command,
    starts=prose.number(late.get("starts"), 0),
    late=prose.number(late.get("late"), 0),
    weak=prose.number(late.get("weak"), 0),
    near=prose.number(late.get("near"), 0),
)

# %% tags=["remove-input"]
prose.sentence(
    "Take two starts of {{numref}}`fig-game-speed`, one that arrived and one that did "
    "not. In a share of {tied} of such pairs the latter has the lower predicted speed; "
    "with L2 on probabilities the share is {loose}. This agrees with slow motion; it "
    "does not show that those starts arrive in the end.",
    command=command,
    tied=prose.number(late.get("tied"), 3),
    loose=prose.number(late.get("loose"), 3),
)

# %% [markdown]
# Three kinds of weights do end elsewhere, and each is predicted:
#
# 1. **$\beta = \gamma = 0$.** Only $p_\alpha = p_u$ is asked for. C and T can be wrong
#    in opposite directions and no player has a reason to move: a whole family of rest
#    points.
# 2. **$\alpha = 1, \gamma = 0$.** T has no loss, hence stays at its start; if $\beta >
#    0$, C ends off the truth. Then the *joint* minimum is still $p_u$: here Theorem 4.2
#    and Algorithm 1 part.
# 3. **$\alpha = 0, \beta = 0$.** The same with the roles exchanged: C never moves.
#
# **Check** of the first kind: a wrong law with the equilibrium's value.

# %%
free = Game(torch.tensor([0.2, 0.3, 0.5]), 0.5, 0.0, 0.0)
wrong = free.undistilled_family(torch.tensor([1.0, -1.0, 0.0]), size=0.3)
assert abs(free.value(*wrong) - free.value(*free.equilibrium())) < 1e-12
assert (wrong.p_c - free.p_u).abs().max() > 0.1

# %% [markdown]
# ## Logits can agree less than laws
#
# Softmax ignores a constant added to all logits; L2 on logits does not. At equal laws
# with shifted logits the value is therefore above $-\log 4$, for this loss alone.

# %%
h = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64).log()
half = torch.zeros(3, dtype=torch.float64)
above = {
    name: float(replace(three, distillation=name).value_of_logits(h, h + 1, half))
    - float(replace(three, distillation=name).value_of_logits(h, h, half))
    for name in DISTILLATIONS
}
assert above["l2_logits"] > beta + gamma
assert max(value for name, value in above.items() if name != "l2_logits") < 1e-12

# %% [markdown]
# ## Explore
#
# Move the weights. No kernel is needed: the pictures are drawn already. At $\beta =
# \gamma = 0$ the pairs part and stop early; at $\alpha = 1$ and $\gamma = 0$ T never
# leaves its dot, at $\alpha = 0$ and $\beta = 0$ C does not.

# %% tags=["hide-input"]
shares = [0.0, 0.3, 0.7, 1.0]
weights = [(a, b, c) for a in shares for b in (0.0, 0.1, 1.0) for c in (0.0, 0.1, 1.0)]
brief = Play(steps={"smoke": 40, "book": 800, "paper": 2000}[profile], records=400)
played = outcomes.paths_over(three.p_u, weights, five, brief)
sliders.slider(
    lambda a, b, c: drawings.paths_on_triangle(played[a, b, c]),
    {"alpha": shares, "beta": [0.0, 0.1, 1.0], "gamma": [0.0, 0.1, 1.0]},
    caption="Paths of C and T under Algorithm 1 from the same five pairs of starts "
    "(dots), for chosen weights: α is C's share of the game with D, β how strongly C "
    "follows T, γ how strongly T follows C. The star is the true law.",
    alt="Paths of the classifier and the teacher on the three-label triangle",
    start=(1, 2, 1),
)

# %% [markdown]
# ## Verdicts

# %% tags=["remove-input"]
prose.verdicts(["M1", "M2", "M3", "M4", "M5", "M24"])

# %% [markdown]
# ## Deviations from the paper
# 1. In the tables T sees what C sees. A privileged $z$ that tells something of the
#    label beyond $x$ is not in them: if D sees it as well, $p_c = p_t = p_u(\cdot \mid
#    x, z)$ cannot hold for a C without it, and the minimum is above $-\log 4$; if D
#    sees $x$ alone, the equilibrium asks of T to ignore $z$. The theorem, and the
#    appendix's statement on rest points, are about a teacher who is better by its
#    capacity, or a $z$ that tells no more than $x$.
# 2. The paper plays with networks and samples; here laws are tables and expectations
#    sums.
# 3. Algorithm 1 does several steps per player and epoch; here each player moves once a
#    round, D first, then T, then C.
# 4. Steps are plain gradient steps, of a size $\eta$ of at most $1/(\beta + \gamma)$.
#    L2 on logits alone multiplies $h - f$ in each round: with simultaneous moves by
#    $1 - \eta (\beta + \gamma)$, which diverges from $\eta = 2/(\beta + \gamma)$ on;
#    with alternating ones by $(1 - \eta\beta)(1 - \eta\gamma)$, which diverges from
#    where its size is 1.
#
# ## Exercises
# 1. At $\alpha = 1$ and $\gamma > 0$, T gets no word from D. Why does it still end at
#    $p_u$?
#
# :::{dropdown} Solution
# T's only loss is $\gamma \mathcal{L}^t_{DS}$, so at rest $p_t = p_c$. Then C's own
# distillation gradient is zero as well, and what remains of its loss is NaGAN's, whose
# only rest point with full support is $p_u$.
# :::
#
# 2. With $\beta = \gamma = 0$, $\alpha = 1/2$ and $p_u = (0.2, 0.3, 0.5)$: how far can
#    $p_c$ be from $p_u$ while the value is at its minimum?
#
# :::{dropdown} Solution
# $p_t = 2 p_u - p_c$ must stay non-negative: $p_c(y) \le 2 p_u(y)$. Take mass from the
# first two labels: $p_c = (0, 0, 1)$ gives $p_t = (0.4, 0.6, 0)$. Total variation 0.5.
# :::
#
# 3. Change `distillation` to `l2_probabilities` and run again. Why is it slower?
#
# :::{dropdown} Solution
# Its gradient with respect to a logit carries the factor $p_c(y)$, as the adversarial
# one does: labels with little mass hardly move.
# :::

# %% tags=["remove-input"]
notebooks.provenance(device="cpu")
