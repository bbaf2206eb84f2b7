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
# (ch-proofs)=
# # Proofs, each step beside its check
#
# **Question.** Why are the statements of the theory chapters true, and exactly when?
#
# Proofs are in our own words. Cells check most of their steps on random laws; a failed
# check stops the page. Statements marked *ours* are not in {cite:t}`wang2018kdgan`.

# %% tags=["remove-input"]
import math
from dataclasses import replace

import torch

from kdgan_lib import closed_forms, estimators, notebooks, prose
from kdgan_lib.dynamics import Logits, Play, gradient, local_modes, one_round
from kdgan_lib.game import DISTILLATIONS, Game
from kdgan_lib.measures.combination import variable_pairs, variance
from kdgan_lib.randomness import derive
from kdgan_lib.studies import estimator_study as lab

prose.claims_list(["M3", "M4", "M9", "M12"])

# %% tags=["parameters"] nbmake={"mock": {"profile": "smoke"}}
profile: str = "book"  # smoke | book | paper: how many samples the sampled checks draw
num_labels: int = 10  # labels K of the random laws, 2 to 50
seed: int = 0  # seed of the random laws

# %% tags=["remove-input"]
notebooks.parameters_table("a0_proofs")

# %%
draws = torch.randn((3, num_labels), generator=derive(seed, "proofs")).double()
p_u, p_c, p_t = draws.softmax(-1)
game = Game(p_u, alpha=0.3, beta=1.0, gamma=0.5, distillation="kl")
mixture = game.mixture(p_c, p_t)

# %% [markdown]
# ## Lemma 4.1: the best discriminator
#
# **Step 1.** Expectations are linear in the law, so D's part of the value is a sum over
# labels of $\phi_y(d) = p_u(y) \log d + p_\alpha(y) \log(1 - d)$: each label on its
# own.

# %%
d = torch.rand(num_labels, generator=derive(seed, "d")).double()
by_label = p_u * d.log() + mixture * (1 - d).log()
assert abs(game.adversarial(p_c, p_t, d) - by_label.sum()) < 1e-12

# %% [markdown]
# **Step 2.** $\phi_y'(d) = p_u(y) / d - p_\alpha(y) / (1 - d)$ vanishes at
# $d = p_u(y) / (p_u(y) + p_\alpha(y))$ and nowhere else in $(0, 1)$.

# %%
best = game.optimal_discriminator(p_c, p_t)
assert (p_u / best - mixture / (1 - best)).abs().max() < 1e-10

# %% [markdown]
# **Step 3.** $\phi_y''(d) = -p_u(y) / d^2 - p_\alpha(y) / (1 - d)^2 < 0$ wherever one
# of the two masses is positive: the point is the only maximum. If $p_u(y) > 0 =
# p_\alpha(y)$ it is at $d = 1$, in the opposite case at $d = 0$; if both are zero, any
# $d$ does. $\square$

# %%
assert (-p_u / d**2 - mixture / (1 - d) ** 2).max() < 0
assert game.adversarial(p_c, p_t, d) < game.adversarial(p_c, p_t, best)

# %% [markdown]
# ## Theorem 4.2: the joint minimum
#
# **Step 1.** Insert D's best answer. With $m = (p_u + p_\alpha) / 2$ the adversarial
# part is $\mathbb{E}_{p_u} \log \frac{p_u}{2m} + \mathbb{E}_{p_\alpha} \log
# \frac{p_\alpha}{2m} = 2\,\mathrm{JS}(p_u \| p_\alpha) - \log 4$: each $2$ gives one
# $-\log 2$.

# %%
middle = (p_u + mixture) / 2
halves = (p_u * (p_u / middle).log()).sum() + (mixture * (mixture / middle).log()).sum()
assert abs(game.adversarial(p_c, p_t, best) - (halves - math.log(4))) < 1e-12

# %% [markdown]
# **Step 2.** JS is non-negative, and zero only for equal laws; a distillation loss is
# non-negative. So the value is at least $-\log 4$, and at $p_c = p_t = p_u$ (with
# equal *logits*, where the loss is on logits) it is that.
#
# **Step 3.** Let the value be $-\log 4$. Every term is zero: $p_\alpha = p_u$ and, as
# soon as $\beta > 0$ or $\gamma > 0$, $p_c = p_t$. Then $p_\alpha = p_c$, hence $p_c =
# p_t = p_u$. The value of $\alpha$ does not matter. $\square$
#
# **When it fails.** With $\beta = \gamma = 0$ step 3 gives only $p_\alpha = p_u$.

# %%
way = torch.zeros(num_labels).double()
way[0], way[1] = 1.0, -1.0
free = replace(game, beta=0.0, gamma=0.0)
wrong = free.undistilled_family(way, float(p_u.min()))
assert abs(free.value(*wrong) + math.log(4)) < 1e-12
assert (wrong.p_c - p_u).abs().max() > 1e-6

# %% [markdown]
# ## Rest points of Algorithm 1 (ours)
#
# **Statement.** Let C and T each descend their own loss with respect to their logits,
# and D its own. For each of the four distillation losses, every rest point with full
# support has $p_c = p_t = p_u$, provided that $\gamma \alpha + \beta (1 - \alpha) > 0$.
# (For $0 < \alpha < 1$ this asks for some distillation; at $\alpha = 1$ it asks for
# $\gamma > 0$, at $\alpha = 0$ for $\beta > 0$: no player may be without a loss.)
#
# **Step 1.** D's gradient $p_u (1 - d) - p_\alpha d$ vanishes only at its best answer,
# so the reward is $r = \log(p_\alpha / (p_u + p_\alpha))$.
#
# **Step 2.** The distillation gradients of the two players at one point. L2 on logits:
# $h - f$ and $f - h$. KL from the other's law: $p_c - p_t$ and $p_t - p_c$. Both pairs
# are *antisymmetric*. Take $\gamma$ times C's equation plus $\beta$ times T's: they
# cancel, and
#
# $$
# \gamma \alpha\, p_c \odot (r - \mathbb{E}_{p_c} r)
# + \beta (1 - \alpha)\, p_t \odot (r - \mathbb{E}_{p_t} r) = 0 .
# $$ (eq-proof-cancel)

# %%
state = Logits(p_c.log()[None], p_t.log()[None], best.logit()[None])
reward = (1 - best).log()
left = game.gamma * game.alpha * p_c * (reward - (p_c * reward).sum())
left += game.beta * (1 - game.alpha) * p_t * (reward - (p_t * reward).sum())
by_c = gradient(game, "classifier", state, Play())[0]
by_t = gradient(game, "teacher", state, Play())[0]
assert (game.gamma * by_c + game.beta * by_t - left).abs().max() < 1e-12

# %% [markdown]
# **Step 3.** {eq}`eq-proof-cancel` says that each $r(y)$ is a weighted mean of the two
# numbers $\mathbb{E}_{p_c} r$ and $\mathbb{E}_{p_t} r$, with weights that are not
# negative, so it lies between them. If they differ, the smaller one is a mean, with
# full support, of numbers not below it and must equal them all. So $r$ is constant;
# hence $p_\alpha / p_u$ is, hence it is 1.
#
# **Step 4.** With $r$ constant the adversarial gradients vanish. So at rest the
# distillation gradients with a positive weight vanish as well: $p_c = p_t$. With step
# 3, $p_c = p_t = p_u$. For L2 on probabilities and reverse KL, C's distillation
# gradient is $p_c \odot (\delta - \mathbb{E}_{p_c} \delta)$ with $\delta = p_c - p_t$
# or $\delta = \log (p_c / p_t)$, and T's is $-p_t \odot (\delta - \mathbb{E}_{p_t}
# \delta)$. At rest $\alpha r + \beta \delta$ and $(1 - \alpha) r - \gamma \delta$ are
# constant over the labels; combined as in step 2, this says that $r$ is constant.
# $\square$
#
# **Speed.** Off rest, the left side of {eq}`eq-proof-cancel` is minus the velocity of
# $\gamma h + \beta f$, for the antisymmetric losses. Where distillation is strong, C
# and T move together, $h \approx f$ up to a constant; divided by $\beta + \gamma$ it is
# then the velocity of one player whose adversarial weight is
#
# $$
# s = \frac{\gamma \alpha + \beta (1 - \alpha)}{\beta + \gamma} .
# $$ (eq-proof-speed)
#
# Where distillation is weak, the mixture is right first. Let $\delta h$ and $\delta f$
# be how far the logits are from those of $p_u$, both small. With D at its best the
# adversarial gradients of C and T are multiples, by $\alpha$ and by $1 - \alpha$, of
# one vector. So $q = (1 - \alpha)\,\delta h - \alpha\,\delta f$ is moved by
# distillation alone: with $H$, the loss's curvature, $\dot q = -(\gamma \alpha + \beta
# (1 - \alpha))\,H (\delta h - \delta f)$. Along $p_\alpha = p_u$ we have $\delta h =
# (1 - \alpha) v$ and $\delta f = -\alpha v$, hence $q = (\alpha^2 + (1 -
# \alpha)^2)\, v$ and
#
# $$
# \dot v
# = - \frac{\gamma \alpha + \beta (1 - \alpha)}{\alpha^2 + (1 - \alpha)^2}\, H v .
# $$ (eq-proof-weak)
#
# **Stability.** At these weights and a step of 0.2, one simultaneous round, linearised
# at the equilibrium, contracts every direction but the two shifts of logits, which
# change no law (L2 on logits ties them: one). Larger steps need not: L2 on logits alone
# needs a step below $2 / (\beta + \gamma)$.

# %%
slowest = 1e-2 * p_u.min() ** 2  # squared probabilities couple C and T by p squared
for name in DISTILLATIONS:
    rules = Play(schedule="simultaneous", step_size=0.2)
    moduli = local_modes(replace(game, distillation=name), rules).abs()
    assert moduli.max() < 1 + 1e-9
    assert (moduli > 1 - slowest).sum() == (1 if name == "l2_logits" else 2)
at_rest = Logits(*(x[None] for x in (p_u.log(), p_u.log(), torch.zeros_like(p_u))))
moved = one_round(game, at_rest, Play())
assert max((a - b).abs().max() for a, b in zip(moved, at_rest, strict=True)) < 1e-12

# %% [markdown]
# ## Lemma 4.3: a mixture varies no more
#
# **Step 1.** The standard deviation is a norm of the centred variable; for vectors it
# is the root of the trace of the covariance. So $\mathrm{sd}(\lambda X + (1 - \lambda)
# Y) \le \lambda\,\mathrm{sd}(X) + (1 - \lambda)\,\mathrm{sd}(Y)$ for $0 \le \lambda \le
# 1$, by the triangle inequality and whatever the correlation.
#
# **Step 2.** With $\mathrm{sd}(X) \le \mathrm{sd}(Y)$ the right side is at most
# $\mathrm{sd}(Y)$. $\square$
#
# It needs weights that sum to one. With the weights of the paper's Eq. 3, C's gradient
# is $(\alpha + \beta)$ times a convex combination, and its variance has the factor
# $(\alpha + \beta)^2$: the lemma gives the paper's Eq. 7 for $\alpha + \beta \le 1$
# only.

# %%
x, y = variable_pairs()
for weight in (0.0, 0.25, 0.5, 1.0):
    mixed = variance(weight * x + (1 - weight) * y)
    bound = weight * variance(x).sqrt() + (1 - weight) * variance(y).sqrt()
    assert (mixed.sqrt() <= bound + 1e-12).all()
    assert (mixed <= variance(y) + 1e-12).all()

# %% [markdown]
# ## The density reading of Eq. 8 (ours)
#
# From here on $g$ is Gumbel noise, as in [](#ch-concrete), and $e_k$ is the unit vector
# of label $k$, one-hot.
#
# **Step 1.** In $\log q_\tau$ only $\sum_k h_k - K \log \sum_j e^{h_j - \tau \log y_j}$
# depends on $h$ when $y$ is held fixed, so the score, the gradient of $\log q_\tau$
# with respect to $h$, is $1 - K\,\mathrm{softmax}(h - \tau \log y)$. As $\tau \log y =
# h + g + \text{const}$, it is $1 - K\,\mathrm{softmax}(-g)$.
#
# **Step 2.** $E_k = \exp(-g_k)$ are independent exponentials and $z$ is the label with
# the smallest $E_k / p_k$. That minimum $M$ is exponential too, independent of $z$, and
# the rest of each waiting time is fresh: $E_z = p_z M$, and $E_k = p_k M + E_k'$ for
# the other labels, with new independent exponentials $E_k'$. So given $z$,
# $\mathrm{softmax}(-g) = p V_0 + \sum_{k \ne z} e_k V_k$, where the $K$ numbers $V_0$
# and $V_k$ are $M$ and $E_k'$ over their sum: uniform on the simplex.
#
# **Step 3.** $\mathbb{E} V_k = 1 / K$, so the score's mean given $z$ is
# $1 - p - (1 - e_z) = e_z - p$: REINFORCE's. By the law of total variance REINFORCE
# has the smaller variance, strictly unless $r(z) = 0$ almost surely. $\square$

# %%
at = lab.case("peaked", 10)
count = {"smoke": 20_000, "book": 200_000, "paper": 2_000_000}[profile]
mean, spread = lab.moments("concrete_density", at, 1.0, count, derive(seed, "density"))
closed = closed_forms.concrete_density_variance(*at)
true = closed_forms.exact_gradient(*at)
assert (mean - true).norm() < 4 * (closed / count).sqrt()
assert abs(spread / closed - 1) < 0.1
assert closed > closed_forms.reinforce_variance(*at)

# %% [markdown]
# As code: $y$ is computed from detached logits, so only the density is differentiated.

# %% tags=["remove-input"]
prose.source(estimators.concrete_density)

# %% [markdown]
# ## The relaxed score when cold (ours)
#
# **Step 1.** $(e_z - y) / \tau$ is far from zero only when the second perturbed logit
# is within a few $\tau$ of the first. In the waiting times of the last section, labels
# $j$ and $k$ are both first, and tie, at time $t$ with density $p_j p_k e^{-t}$; a gap
# of logs is a gap of times over $t$, so the gap's density at zero is
# $\int_0^\infty p_j p_k\, t\, e^{-t} dt = p_j p_k$.
#
# **Step 2.** At gap $v \tau$ the loser's share is $1 / (1 + e^v)$. Integrate:
# $\int_0^\infty (1 + e^v)^{-1} dv = \log 2$ for the mean, and
# $\int_0^\infty (1 + e^v)^{-2} dv = \log 2 - \frac12$ for the square.
#
# **Step 3.** Sum over ordered pairs, winner $j$: the mean tends to
# $\log 2 \sum_{j \ne k} p_j p_k r_j (e_j - e_k) = \log 2 \cdot G$, and $\tau$ times
# the second moment to $2 (\log 2 - \frac12) \sum_j p_j (1 - p_j) r_j^2$. $\square$
#
# Here $G$ is the true gradient of {eq}`eq-score`. The same steps hold for the pathwise
# estimator, whose weight near a tie is $e^v / (1 + e^v)^2$. Over all $v$, each pair
# counted once, this has integral 1, and its square has integral $1/6$: the estimator is
# unbiased in the limit, and $\tau \mathrm{Var} \to \mathrm{Var}_p(r) / 3$.

# %%
pair = lab.case("peaked", 2)
for name, slope, size in (
    ("relaxed_score", math.log(2), closed_forms.relaxed_score_variance_at_zero(*pair)),
    ("pathwise", 1.0, closed_forms.pathwise_variance_at_zero(*pair)),
):
    mean, spread = closed_forms.two_label_moments(name, *pair, 1e-3)
    assert torch.allclose(mean, slope * closed_forms.exact_gradient(*pair), rtol=0.02)
    assert abs(1e-3 * spread / size - 1) < 0.02

# %% [markdown]
# ## Exercises
# 1. Where does step 3 of the rest-point proof use full support?
#
# :::{dropdown} Solution
# Twice: where {eq}`eq-proof-cancel` is divided by $\gamma \alpha\, p_c + \beta (1 -
# \alpha)\, p_t$, and where a mean with full support must equal all its numbers. A label
# without mass has a zero adversarial gradient whatever its reward. So, in the limit,
# each player is at rest in any corner if nothing is distilled, and both are if they
# share one. Such corners are unstable but slow to leave: [](#ch-naive) measures it for
# NaGAN.
# :::

# %% tags=["remove-input"]
notebooks.provenance(device="cpu")
