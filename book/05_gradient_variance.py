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
# (ch-variance)=
# # Gradient variance
#
# **Question.** The paper explains KDGAN's speed by the variance of the classifier's
# gradient: the part that comes from the teacher is said to vary less than the part that
# comes from the discriminator, and the Gumbel-Max trick to calm the latter. Is it so,
# while the games are played on MNIST with 100 training images?
#
# - A gradient varies for two reasons: the labels drawn for a minibatch, and the
#   minibatch itself. We measure them apart.
# - We do so for KDGAN, for KDGAN-WO-GM, which draws discrete labels without relaxation,
#   and for NaGAN, which has no teacher, at seven points of their training.
# - We draw the bound of Lemma 4.3 beside the measured curves and compare the weights of
#   Eq. 6 with those of Eq. 3.
# - Variance alone says little about learning: a gradient halved has a quarter of the
#   variance. So we also report signal against noise.

# %% tags=["remove-input"]
import torch

from kdgan_lib import estimators, figures, notebooks, prose, variance, variance_linear
from kdgan_lib.figures import sliders
from kdgan_lib.figures import variance as drawings
from kdgan_lib.nets import MLP
from kdgan_lib.randomness import derive
from kdgan_lib.reports import variance_tables as study
from kdgan_lib.reports.cells import seeds_of
from kdgan_lib.studies import variance_demo as demo
from kdgan_lib.studies import variance_study

CLAIMS = ["M9", "M10", "M11", "M17", "M18", "M19", "M20", "F7"]
prose.claims_list(CLAIMS)

# %% [markdown]
# ## Background
#
# Every loss of the classifier reaches its weights through its logits $h$. With the
# Jacobian $J_i$ of the logits at $x_i$, and $v_i$ the gradient of the loss with respect
# to those logits, the gradient on a minibatch of $B$ images is
#
# $$
# g = \frac{1}{B} \sum_{i=1}^{B} J_i^\top v_i .
# $$ (eq-variance-gradient)
#
# In this chapter $g$ is a gradient. Drawing labels changes the $v_i$ and nothing else,
# and each image draws its own. We call *variance* the trace of the covariance over all
# weights. Let $b$ be the minibatch, drawn at random, and $K$ the number of labels. The
# law of total variance splits it:
#
# $$
# \mathrm{Var}(g)
# = \underbrace{\mathbb{E}_b\left[\mathrm{Var}(g \mid b)\right]}_{\text{sampling}}
# + \underbrace{\mathrm{Var}_b\left(\mathbb{E}[g \mid b]\right)}_{\text{minibatch}} ,
# $$ (eq-variance-total)
#
# and {eq}`eq-variance-gradient` gives the first part through matrices of size $K \times
# K$ only,
#
# $$
# \mathrm{Var}(g \mid b) = \frac{1}{B^2} \sum_{i=1}^{B}
# \mathrm{tr}\left(J_i J_i^\top\, \mathrm{Cov}(v_i)\right).
# $$ (eq-variance-gram)
#
# So ten backward passes per image, all at once, give the sampling variance of *every*
# estimator at *every* temperature, without drawing one gradient of the 1.28 million
# weights.
#
# The classifier's gradient in KDGAN has the weights of Eq. 3, $\alpha \nabla
# \mathcal{L}_{AD} + \beta \nabla \mathcal{L}_{DS}$; Eq. 6 writes a convex combination,
#
# $$
# \lambda\, \nabla \mathcal{L}_{DS} + (1 - \lambda)\, \nabla \mathcal{L}_{AD},
# \qquad 0 \le \lambda \le 1 .
# $$ (eq-variance-convex)
#
# Lemma 4.3 is about {eq}`eq-variance-convex`: standard deviations obey
#
# $$
# \mathrm{sd}(\lambda X + (1 - \lambda) Y)
# \le \lambda\, \mathrm{sd}(X) + (1 - \lambda)\, \mathrm{sd}(Y)
# \le \max(\mathrm{sd}(X), \mathrm{sd}(Y)) .
# $$ (eq-variance-lemma)
#
# Its proof is in [the appendix](#ch-proofs). With $\alpha + \beta \ne 1$ the weights of
# Eq. 3 are the combination with $\lambda = \beta / (\alpha + \beta)$ times $\alpha +
# \beta$: the variance is that of Eq. 6 times $(\alpha + \beta)^2$.

# %% tags=["parameters"] nbmake={"mock": {"profile": "smoke"}}
profile: str = "book"  # smoke | book | paper: how much is played and measured here
seed: int = 0  # seed of the live demonstration

# %% tags=["remove-input"]
notebooks.parameters_table("05_gradient_variance")

# %% [markdown]
# ## How it is measured
#
# In a linear layer with output $W a + b$ the gradient of one example is an outer
# product, of the layer's input $a$ and of $\delta$, the gradient at its output. The two
# factors give squared norms and inner products without forming that product
# {cite:p}`goodfellow2015efficient`; where the gradient itself is wanted, it is written
# once. Other nets take a vector-Jacobian product, mapped over the examples by
# `torch.func`.

# %% tags=["remove-input"]
prose.source(variance.per_sample_gradients)

# %% tags=["remove-input"]
prose.source(variance_linear.grams)

# %% [markdown]
# **Check.** Gradients and squared norms equal those of one backward pass per example.

# %%
net = MLP(hidden=64).eval()
inputs = torch.rand(20, 784, generator=derive(seed, "inputs"))
slopes = torch.randn(20, 10, generator=derive(seed, "slopes"))
fast = variance.per_sample_gradients(net, inputs, slopes)
slow = variance.looped_gradients(net, inputs, slopes)
assert (fast - slow).norm() <= 1e-5 * slow.norm()
squares, brute = variance.squared_norms(net, inputs, slopes), slow.double().square()
assert ((squares - brute.sum(1)).abs() <= 1e-5 * brute.sum(1)).all()

# %% [markdown]
# The sampling variance is {eq}`eq-variance-gram`:

# %% tags=["remove-input"]
prose.source(variance.sampling_variance)

# %% [markdown]
# **Check.** It equals the variance of gradients that are drawn one by one.

# %%
logits = net(inputs).detach()
reward = -torch.rand(logits.shape, generator=derive(seed, "reward"))
draws = estimators.sample_gradients(
    "relaxed_score", logits, reward, 40, 0.5, derive(seed, "labels")
)
rows = torch.stack([variance.looped_gradients(net, inputs, v) for v in draws])
drawn = float(rows.double().var(0).sum()) / len(inputs) ** 2
found = variance.sampling_variance(variance.logit_grams(net, inputs), draws)
assert abs(found - drawn) <= 1e-5 * drawn

# %% [markdown]
# Minibatches are another matter: there the images change and gradients must be made.
# They pass by one at a time; only a mean and a small matrix of covariances stay
# (Welford's method).

# %% tags=["remove-input"]
prose.source(variance.Moments)

# %% [markdown]
# How fast is that? The loop calls Python for each example; on the paper's classifier it
# also moves the 5 megabytes of each gradient several times. The mapped product saves
# the calls, not the memory; the factors save both.

# %% tags=["remove-input"]
small = demo.speeds(32)
large = demo.speeds(800, repeats=1 if profile == "smoke" else 3)
prose.table(
    demo.speed_table({32: small, 800: large}),
    "CPU milliseconds per image, here and now, and how many times the throughput of "
    "the loop that is. A Gram matrix is over the gradients of the ten logits; after "
    "it, any number of draws of any estimator needs no backward pass.",
    "tab-variance-speed",
    formats=demo.SPEED_FORMATS,
)

# %% [markdown]
# ## A live probe
#
# A short game of KDGAN, its players pretrained for a few passes only, probed after its
# first and its last epoch. {numref}`tab-variance-live` shows the last probe: the
# estimators of [the previous chapter](#ch-concrete) on real gradients.

# %%
played = demo.live(profile, seed)

# %% tags=["remove-input"]
prose.table(
    demo.live_table(played),
    "C's adversarial gradient in a short live game of KDGAN, by estimator: variance "
    "that comes from drawn labels (sampling), from minibatches, their total, and the "
    "squared length of the mean gradient over that total (signal to noise).",
    "tab-variance-live",
    formats=dict.fromkeys(["sampling", "minibatch", "total", "signal to noise"], ".3g"),
)

# %% [markdown]
# ## The study
#
# Three games of 60 outer epochs, hence the same number of classifier updates in each,
# at the settings of {numref}`tab-variance-settings`. At the profile `paper` the next
# cell plays those that have no rows yet.

# %%
if profile == "paper":
    variance_study.study(variance_study.Study())

# %% tags=["remove-input"]
rows = study.rows()
prose.table(
    study.settings(rows),
    "Settings of the games that were watched.",
    "tab-variance-settings",
    command=study.COMMAND,
)

# %% [markdown]
# ### Figure 7: by term
#
# The paper's Figure 7 draws the variances of the gradients from D and from T, without
# the Gumbel-Max trick (7a) and with it (7b). {numref}`fig-variance-terms` is ours: the
# total variance {eq}`eq-variance-total` of each *unweighted* term, and of the whole
# gradient with the weights of Eq. 3. In every game one label is drawn for each image,
# so that games are compared alike; averaging $m$ labels divides the sampling part by
# $m$.

# %% tags=["hide-input"]
probes = study.probes(rows)
figures.show(
    drawings.terms_figure(probes),
    name="fig-variance-terms",
    caption="Variance of the classifier's gradient while it learns: the term from D, "
    "the term from T, and the whole. Geometric mean over "
    f"{seeds_of(probes)}; the band spans them.",
    alt="Panels for NaGAN, KDGAN-WO-GM and KDGAN on a logarithmic axis, with a line "
    "for the term from D, one for the term from T and one for the whole gradient.",
    command=study.COMMAND,
)

# %% tags=["remove-input"]
prose.table(
    study.summary(probes),
    "Variances of the classifier's gradient with one label per image: geometric means "
    "over probes and seeds. D and T are the terms that come from them, *T by KL* what "
    "T's term would be with the KL loss, *whole* their sum with the weights of Eq. 3. "
    "*Labels* is the sampling part, *images* the minibatch part. *Noise / signal*: the "
    "sum of the variances over the sum of the squared means, for which the first "
    "probes count most.",
    "tab-variance-summary",
    command=study.COMMAND,
)

# %% [markdown]
# The boxes give ratios of variances as logarithms to base 10: 0 is no difference, $-3$
# a thousandth. The sentences beside them give the same ratios as factors. A verdict
# needs an interval, hence at least three seeds.

# %% tags=["remove-input"]
update = f"{study.COMMAND} && kdgan claims --update M17 M18 M19 M20 F7"
prose.sentence(
    "In KDGAN the variance of the term from D is {ratio} times that of the term from "
    "T: it varies {direction} the latter. If both have the weights of Eq. 3 the factor "
    "is {weighted}; with distillation by Kullback–Leibler divergence instead of "
    "squared differences of logits, along the same runs and without the weights, it is "
    "{kl}. If each variance is divided by the squared mean of its own term, the factor "
    "is {relative}.",
    command=update,
    ratio=demo.factor("M17", "log10_ratio", 4),
    direction=demo.direction("M17", "log10_ratio"),
    weighted=demo.factor("M17", "weighted_log10_ratio", 4),
    kl=demo.factor("M17", "kl_log10_ratio", 3),
    relative=demo.factor("M17", "relative_log10_ratio", 1),
)

# %% [markdown]
# The scale of a loss is a choice. Squared differences of logits grow with the square of
# the logits, and a confident teacher has large ones; the adversarial gradient has no
# such factor from C's or T's logits: that of the relaxed score and of REINFORCE ($\tau
# = 1$) is, for a draw, at most $\sqrt 2\,|r| / \tau$ long at the logits, $r$ being the
# reward, which D's logits enter. A comparison of raw variances is therefore a
# comparison of units as much as of noise. What matters to a stochastic gradient method
# is the variance relative to the signal, and that ratio has no units.

# %% tags=["hide-input"]
figures.show(
    drawings.signal_figure(probes),
    name="fig-variance-signal",
    caption="Signal to noise while C learns: squared mean over variance, for the term "
    "from D, the term from T and the whole gradient; both are summed over seeds first.",
    alt="Panels for NaGAN, KDGAN-WO-GM and KDGAN on a logarithmic axis. In the games "
    "with a teacher the line of the whole gradient lies on that of the term from T; "
    "the term from D is far below.",
    command=study.COMMAND,
)

# %% tags=["remove-input"]
prose.verdicts(["M17"])

# %% [markdown]
# ### By source: labels or images
#
# {numref}`fig-variance-sources` splits the term from D in KDGAN's runs. Every estimator
# is measured at the same weights and images, at the temperature of the epoch.

# %% tags=["hide-input"]
estimators = study.by_estimator(rows)
figures.show(
    drawings.sources_figure(estimators),
    name="fig-variance-sources",
    caption="The term from D along KDGAN's runs: sampling variance by estimator, and "
    "(dotted) the variance between minibatches, which remains when labels are "
    "enumerated. Geometric mean over seeds; bands span them.",
    alt="Lines on a logarithmic axis against outer epochs, one for each estimator, "
    "and a dotted line for the variance between minibatches.",
    command=study.COMMAND,
)

# %% tags=["remove-input"]
prose.sentence(
    "Figure 7 compares the term from D in KDGAN-WO-GM with that in KDGAN: the variance "
    "of the former is {between} times that of the latter ({direction} it). At the same "
    "weights and images, the total variance by REINFORCE is {same} times that by the "
    "relaxed score: {first} times in the first half of training, where the temperature "
    "is high, and {second} times in the second half, where it is low.",
    command=update,
    between=demo.factor("M18", "log10_ratio"),
    direction=demo.direction("M18", "log10_ratio"),
    same=demo.factor("M18", "same_point_log10_ratio"),
    first=demo.factor("M18", "first_half_log10_ratio"),
    second=demo.factor("M18", "second_half_log10_ratio"),
)

# %% tags=["remove-input"]
prose.sentence(
    "REINFORCE's total variance is {pathwise} times that of the pathwise estimator, "
    "{density} times that of the density reading of Eq. 8, {baseline} times that of "
    "REINFORCE with a baseline, and {exact} times that of enumerated labels, which "
    "vary between minibatches only.",
    command=update,
    pathwise=demo.factor("M18", "pathwise_log10_ratio"),
    density=demo.factor("M18", "density_log10_ratio", 3),
    baseline=demo.factor("M18", "baseline_log10_ratio"),
    exact=demo.factor("M18", "exact_log10_ratio", 0),
)

# %% tags=["remove-input"]
prose.verdicts(["M18"])

# %% [markdown]
# ### The temperature
#
# At each probe the relaxed estimators were also measured at other temperatures than the
# run's. The right panel divides the squared mean of the estimate by its sampling
# variance: a small variance is no gain where the signal shrinks with it. The signal is
# the estimator's own mean, with its bias ({numref}`fig-concrete-bias`): a high ratio
# can be a sure step in a wrong direction.

# %% tags=["remove-input"]
shown = study.of_game("kdgan", rows, played)
temperatures = study.by_temperature(shown)
sliders.slider(
    lambda epoch: drawings.temperature_figure(temperatures, epoch),
    {"outer epoch": sorted(temperatures.epoch.unique().tolist())},
    caption="Sampling variance (left) and signal to noise (right) of the term from D "
    "against the temperature, in KDGAN, at the chosen epoch; estimators with level "
    "lines do not depend on the temperature.",
    alt="Two panels with logarithmic axes. Relaxed score and pathwise fall on the left "
    "as the temperature rises; the other estimators are level.",
)

# %% [markdown]
# ### Lemma 4.3 and the two weightings
#
# Measured variances and covariance give the deviation of every convex combination
# {eq}`eq-variance-convex`, and {eq}`eq-variance-lemma` its bound. Along training, with
# the share of distillation that the weights of Eq. 3 imply:

# %% tags=["hide-input"]
figures.show(
    drawings.bound_figure(probes),
    name="fig-variance-bound",
    caption="Standard deviation of C's gradient with the convex weights of Eq. 6 and "
    "with the weights of Eq. 3, under Lemma 4.3's bound and the larger deviation of "
    "the two terms. Geometric mean over seeds.",
    alt="Two panels on a logarithmic axis. The convex combination follows its bound "
    "closely from below, far below the larger of the two terms; the line of Eq. 3's "
    "weights is lower still by a constant factor.",
    command=study.COMMAND,
)

# %% [markdown]
# And for every share, epoch by epoch; the star is the gradient that training used, with
# the weights of Eq. 3.

# %% tags=["remove-input"]
kdgan = study.probes(shown)
sliders.slider(
    lambda epoch: drawings.combination_figure(kdgan, epoch),
    {"outer epoch": sorted(kdgan.epoch.unique().tolist())},
    caption="Standard deviation of convex combinations of the two terms, Lemma 4.3's "
    "bound, and the gradient with Eq. 3's weights.",
    alt="A curve of the deviation against the share of distillation below a straight "
    "dashed bound, and a star for the weights of Eq. 3.",
)

# %% [markdown]
# The curve lies on or below its bound, as it must. The lemma's hypothesis is
# $\mathrm{Var}\,\nabla\mathcal{L}_{DS} \le \mathrm{Var}\,\nabla\mathcal{L}_{AD}$, which
# is M17; only with it does the lemma promise that mixing in the teacher does not raise
# the variance, and only for weights that sum to at most one.

# %% tags=["remove-input"]
prose.verdicts(["M9", "M10", "M11"])

# %% [markdown]
# ### Game against game
#
# Does the whole gradient of KDGAN vary less than that of NaGAN?

# %% tags=["remove-input"]
prose.sentence(
    "The variance of NaGAN's whole gradient is {ratio} times that of KDGAN's "
    "({direction} it), with one label drawn for each image. With as many labels as "
    "each game draws in training the factor is {trained}. If each variance, with one "
    "label, is divided by the squared mean of its own gradient, the factor is "
    "{relative}.",
    command=update,
    ratio=demo.factor("M19", "log10_ratio", 4),
    direction=demo.direction("M19", "log10_ratio"),
    trained=demo.factor("M19", "as_trained_log10_ratio", 4),
    relative=demo.factor("M19", "relative_log10_ratio", 1),
)

# %% tags=["remove-input"]
prose.verdicts(["M19"])

# %% [markdown]
# ### Vanishing and exploding
#
# {numref}`fig-variance-norms` shows the norms of single gradients, each on a fresh
# minibatch with labels drawn as in training, over the norm of the cross-entropy
# gradient of the true labels when the game begins. Dashed lines mark a hundredth of
# that norm and a hundred times it.

# %% tags=["hide-input"]
norms = study.norms(rows)
figures.show(
    drawings.norms_figure(norms),
    name="fig-variance-norms",
    caption="Norms of gradients as training draws them, over the labels' gradient at "
    "the start of the game; all seeds. A gradient beyond a dashed line counts in M20.",
    alt="Clouds of points against outer epochs on a logarithmic axis, one panel per "
    "game, with a line for the median and dashed lines at 0.01 and 100.",
    command=study.COMMAND,
)

# %% tags=["remove-input"]
prose.verdicts(["M20", "F7"])

# %% [markdown]
# ## What each game learned meanwhile
#
# Low variance is a means; accuracy is the end.

# %% tags=["hide-input"]
figures.show(
    figures.curves_with_band(
        study.accuracy(rows),
        "epoch",
        "value",
        labels=("outer epoch", "validation accuracy (%)"),
        scale=100,
    ),
    name="fig-variance-accuracy",
    caption="Accuracy of the classifier on held-out images in the games that were "
    "watched, mean and 95% interval over seeds.",
    alt="One line per game against outer epochs.",
    command=study.COMMAND,
)

# %% [markdown]
# ## Deviations from the paper
#
# 1. The paper does not say which variance Figure 7 draws. We take the trace of the
#    covariance over all weights of one minibatch's gradient, and show both its sources.
# 2. The settings are those that the protocol `controlled` found for each method
#    ({numref}`tab-variance-settings`), but the estimator is the paper's, where the
#    search preferred another: Eq. 8 read as the relaxed score. The games therefore
#    differ in more than the property under study; the comparisons at the same point do
#    not.
# 3. Games last 60 outer epochs of one pass each of D, T and C. The temperature falls
#    from 1.0 to 0.1 over them, as in the paper.
# 4. Gradients are measured with dropout off. Its own contribution, measured apart on
#    one minibatch, is stored as the quantity `dropout`.
# 5. Minibatches are 50 distinct images of the 100, augmented, as training draws them.
#    The sampling variance is averaged over 25 images per probe.
# 6. Adam rescales gradients before it steps; the variances are of the raw gradients.
#
# ## Exercises
#
# 1. Multiply a loss by 10. What happens to its gradient's variance, to its ratio of
#    signal to noise, and to the steps of Adam?
#
# :::{dropdown} Solution
# The variance grows a hundredfold, the ratio stays, and Adam's steps stay as well, but
# for its small constant: it divides by the root of the mean squared gradient. This is
# why the relative comparisons above say more about training than raw variances.
# :::
#
# 2. Given the minibatch, the distillation gradient does not vary at all. Why, and does
#    that prove M17?
#
# :::{dropdown} Solution
# T's logits are a function of the image, so nothing is drawn. It proves that the
# *sampling* variance of the term from T is zero, less than that of any sampled term
# from D. But training sees a fresh minibatch at every step, and there the term from T
# varies with its own scale. It does not prove M17 for the total.
# :::
#
# 3. D scores all ten labels in one pass. Which line of {numref}`fig-variance-sources`
#    remains if C enumerates them?
#
# :::{dropdown} Solution
# Only the dotted one: the sampling variance is zero for `exact`. The relaxation then
# has nothing left to reduce. With millions of labels enumeration is not possible, and
# the question is open again.
# :::
#
# 4. Show that {eq}`eq-variance-gram` needs the images' labels to be drawn
#    independently. What is added if all images share one Gumbel noise?
#
# :::{dropdown} Solution
# $\mathrm{Var}(\sum_i J_i^\top v_i) = \sum_{i,j} \mathrm{tr}(J_j J_i^\top
# \mathrm{Cov}(v_i, v_j))$. Independent draws leave the terms $i = j$. A shared noise
# adds the cross terms, mostly positive for similar images.
# :::

# %% tags=["remove-input"]
notebooks.provenance(device="cpu")
