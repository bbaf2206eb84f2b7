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
# (ch-provision)=
# # Privileged provision and distillation
#
# **Question.** A teacher may see more than the classifier ever will. What does the
# classifier learn by imitating it, and what can imitation not give?
#
# - *Privileged provision* is what exists at training time only: more features, more
#   computing, more time {cite:p}`vapnik2009new,vapnik2015learning`.
# - *Distillation* passes it on as soft labels {cite:p}`hinton2015distilling`; the two
#   ideas are one {cite:p}`lopezpaz2016unifying`.
# - We write each distillation loss, its gradient, and what temperature does to it.
# - We then make a teacher wrong by an exact amount and watch the student follow.
# - At the end we ask the runs on MNIST whether the form of the loss matters.

# %% tags=["remove-input"]
import pandas as pd
import torch

from kdgan_lib import figures, losses, notebooks, prose
from kdgan_lib.figures import sliders
from kdgan_lib.figures import theory as drawings
from kdgan_lib.game import DISTILLATIONS, total_variation
from kdgan_lib.measures import variants
from kdgan_lib.methods.distn import Distn
from kdgan_lib.randomness import derive
from kdgan_lib.reports import forms
from kdgan_lib.studies import students

prose.claims_list(["M6", "M8", "M21"])

# %% [markdown]
# ## Background
#
# Let $s$ and $t$ be the logits of student and teacher, and $p_s$ and $p_t$ their
# softmaxes: their *laws*, as we call distributions over the labels. $p_s^T$ and $p_t^T$
# are the softmaxes of $s / T$ and $t / T$: laws softened at temperature $T$. In the
# formulas of this chapter $T$ is always that temperature; elsewhere in the book T is
# the teacher. The student is what the other chapters call the classifier, C. The losses
# in use are
#
# $$
# \mathcal{L}_{2} = \tfrac12 \lVert t - s \rVert^2, \qquad
# \mathcal{L}_{2p} = \tfrac12 \lVert p_t - p_s \rVert^2, \qquad
# \mathcal{L}_{KL} = T^2\,\mathrm{KL}(p_t^{T} \,\|\, p_s^{T}),
# $$ (eq-distillation)
#
# and $\mathcal{L}_{RKL} = \mathrm{KL}(p_s \,\|\, p_t)$, the reverse direction. Their
# gradients with respect to $s$ are, with $d = p_s - p_t$ and $e = \log (p_s / p_t)$,
#
# $$
# \begin{aligned}
# \nabla \mathcal{L}_2 &= s - t, &
# \nabla \mathcal{L}_{2p} &= p_s \odot (d - \langle p_s, d \rangle), \\
# \nabla \mathcal{L}_{KL} &= T\,(p_s^{T} - p_t^{T}), &
# \nabla \mathcal{L}_{RKL} &= p_s \odot (e - \langle p_s, e \rangle).
# \end{aligned}
# $$ (eq-distillation-gradient)
#
# The four distillation methods of the paper are made of them. With the true label $y$
# and weights $w$:
#
# $$
# \begin{aligned}
# \text{MIMIC} &: \tfrac12 \lVert t - s \rVert^2, \\
# \text{NOISY} &: \tfrac12 \lVert t \odot (m + \epsilon) - s \rVert^2, \\
# \text{DISTN} &: (1 - w)\,\mathrm{CE}(y, s)
# + w\,T^2\,\mathrm{KL}(p_t^T \| p_s^T), \\
# \text{CODIS} &: \mathrm{CE}(y, s) + w\,T^2\,\mathrm{KL}(p_t^T \| p_s^T),
# \end{aligned}
# $$ (eq-distillation-methods)
#
# where $m$ is a random mask, $\epsilon$ Gaussian noise, and CODIS's teacher has the
# same loss with the roles exchanged
# {cite:p}`ba2014deep,hinton2015distilling,sau2016deep,anil2018large`.

# %% tags=["parameters"] nbmake={"mock": {"profile": "smoke"}}
profile: str = "book"  # smoke | book | paper: how many students are trained
wrong: float = 0.2  # mass that the wrong teacher moves to the least likely label
seed: int = 0  # seed of the random logits

# %% tags=["remove-input"]
notebooks.parameters_table("01_privileged_provision")

# %% tags=["remove-input"]
prose.source(losses.kl_distillation)

# %% tags=["remove-input"]
prose.source(Distn.classifier_loss)

# %% [markdown]
# **Check.** The gradients of {eq}`eq-distillation-gradient` against automatic
# differentiation: $\mathcal{L}_{KL}$ at $T = 4$, then all four at $T = 1$.

# %%
s, t = torch.randn((2, 1, 10), generator=derive(seed, "logits"), dtype=torch.float64)
s.requires_grad_()
(slope,) = torch.autograd.grad(losses.kl_distillation(s, t, 4.0), s)
assert torch.allclose(slope, 4 * ((s / 4).softmax(-1) - (t / 4).softmax(-1)))
for name in DISTILLATIONS:
    automatic = students.student_gradient(t.softmax(-1), s, name)
    centred = t.log_softmax(-1)  # the logits that `student_gradient` gives the teacher
    assert torch.allclose(automatic, students.closed_gradient(s, centred, name))

# %% [markdown]
# ## Soft labels
#
# A one-hot label says which class is right. A softened law also says which others are
# nearly right, and a higher temperature says it louder.

# %% tags=["hide-input"]
logits = torch.tensor([6.0, 3.5, 2.0, 0.0, -2.0], dtype=torch.float64)
grid = torch.logspace(-0.3, 2, 40, dtype=torch.float64)
soft = pd.DataFrame((logits / grid[:, None]).softmax(-1), index=grid.numpy())
soft.columns = [f"logit {value:g}" for value in logits.tolist()]
figures.show(
    drawings.lines({"": soft}, "temperature T", "probability", logarithmic="xy"),
    name="fig-provision-soft",
    caption="One teacher's law over five labels as its temperature rises.",
    alt="Five lines: the first is near one at low temperature, the others rise from "
    "near zero, and all meet at one fifth.",
)

# %% [markdown]
# ## Why $T^2$
#
# The gradient of $\mathrm{KL}$ alone shrinks like $1/T^2$: one factor $1/T$ from the
# chain rule, one because softened laws approach each other. The factor $T^2$ keeps its
# size, so that labels and teacher can share one learning rate. As $T$ grows,
# $T^2\,\mathrm{KL} \to \lVert \bar t - \bar s \rVert^2 / 2K$ with centred logits: KL at
# high temperature *is* L2 on logits, without the shift and divided by $K$.

# %%
pair = torch.randn((2, 20, 10), generator=derive(seed, "pair"), dtype=torch.float64) * 2
sizes = {
    "with $T^2$": [
        float(students.gradient_size(*pair, T).mean()) for T in grid.tolist()
    ],
    "without": [
        float(students.gradient_size(*pair, T, scaled=False).mean())
        for T in grid.tolist()
    ],
}
limit = students.matching_limit(*pair).mean()
assert abs(losses.kl_distillation(*pair, 1e3) / limit - 1) < 0.05

# %% tags=["hide-input"]
size_frame = pd.DataFrame(sizes, index=grid.numpy())
figures.show(
    drawings.lines(
        {"": size_frame}, "temperature T", "gradient norm", logarithmic="xy"
    ),
    name="fig-provision-t2",
    caption="Norm of the distillation gradient, mean of 20 random pairs of ten logits.",
    alt="Two lines. The one with the factor T squared becomes level; the one without "
    "falls along a straight line.",
)

# %% [markdown]
# ## Four fields, one rest point
#
# With three labels a law is a point of a triangle. Each loss pulls the student's law to
# the teacher's; the true law plays no part.

# %% tags=["hide-input"]
p_u = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
p_t = students.wrong_teacher(p_u, wrong)
fields = {
    name: lambda h, name=name: students.student_gradient(p_t, h, name)
    for name in DISTILLATIONS
}
figures.show(
    drawings.field_on_triangle(fields, {"true law": p_u, "teacher": p_t}, density=9),
    name="fig-provision-fields",
    caption="Descent on each distillation loss moves the student's law (anywhere) to "
    "the teacher's (square), not to the true law (star). A point is a law over three "
    "labels, a corner is certainty of one of them. Colour: speed.",
    alt="Four triangles of arrows. In each, all arrows lead to a square, the teacher, "
    "and none to the star, the true law.",
)

# %% [markdown]
# The directions differ little, but the speeds differ much (the colours, on one scale).
# They are speeds of the law. Near the corners L2 on probabilities and reverse KL move
# the logits slowly, since their gradients carry the factor $p_s$, the student's law; L2
# on logits and KL do not. The softmax slows all four once more: with a mass $\epsilon$
# left, the law moves about as $\epsilon$ for L2 on logits and KL, and as $\epsilon^2$
# for the others, up to logarithms.
#
# **When is the loss least?** The paper asks that it be least exactly when $p_c = p_t$,
# that is $p_s = p_t$ here. L2 on logits asks for more: equal *logits*. Shift one side
# by a constant and the laws stay equal, but the loss does not stay zero.

# %%
h = p_t.log()
at_equal_laws = {name: float(loss(h, h + 1)) for name, loss in DISTILLATIONS.items()}
assert at_equal_laws.pop("l2_logits") > 1
assert max(abs(value) for value in at_equal_laws.values()) < 1e-12

# %% [markdown]
# ## A teacher that is wrong by an exact amount
#
# Take a share `wrong` of the teacher's mass and put it on one label. Its distance to
# the true law is then known. With distillation alone the student inherits it, whatever
# the loss: nothing in {eq}`eq-distillation` knows $p_u$. This is the reason for the
# third player, who does.

# %%
shares = torch.linspace(0, 0.5, 6, dtype=torch.float64)
rounds = {"smoke": 200, "book": 600, "paper": 4000}[profile]
start = torch.zeros((1, 3), dtype=torch.float64)
ends = pd.DataFrame(
    {
        name: [
            float(total_variation(students.follow(p, start, name, rounds)[-1, 0], p_u))
            for p in (students.wrong_teacher(p_u, float(share)) for share in shares)
        ]
        for name in DISTILLATIONS
    },
    index=shares.numpy(),
)

# %% tags=["hide-input"]
figures.show(
    drawings.lines(
        {"": ends}, "share moved by the teacher", "student's distance to the truth"
    ),
    name="fig-provision-wrong",
    caption="The student's distance to the true law (total variation) grows with its "
    "teacher's error, by the same amount for each of the four losses.",
    alt="Four straight lines on top of each other, rising from zero.",
)

# %% [markdown]
# Why can no distillation loss promise more? At rest the student *is* the teacher, so
# its distance to the truth is the teacher's. If a share $r$ of the mass was moved to
# the label $y$, that is $r\,(1 - p_u(y))$ in total variation (TV): a straight line in
# $r$. [](#ch-game) adds the player who knows $p_u$.

# %%
last = students.wrong_teacher(p_u, float(shares[-1]))
assert abs(ends.iloc[-1].max() - float(total_variation(last, p_u))) < 0.02

# %% [markdown]
# ## Do the forms of the loss differ in practice?
#
# The paper says that L2 on logits and KL give comparable results. We play KDGAN with
# either on MNIST with 100 training images, with the same seeds and all else equal. That
# includes the weight $\beta$ of C's distillation loss, which was tuned with L2 on
# logits. At $T = 1$ the gradient of KL is a difference of probabilities, never longer
# than $\sqrt 2$, while that of L2 is as long as the distance of the logits: the same
# $\beta$ means two strengths of distillation. So KL is given larger weights as well,
# and the verdict compares the one that is best on validation, as L2's was. (At first
# the verdict compared the two at L2's weight alone; that difference is still among its
# evidence.)

# %% tags=["remove-input"]
prose.table(
    variants.arms("distillation_forms", "distillation", "beta").replace(forms.WORDS),
    "KDGAN by form and weight β of the distillation loss: test accuracy of the "
    "classifier C with its 95% interval (low, high), and of the teacher T.",
    "tab-provision-forms",
    command="kdgan sweep distillation_forms",
    formats=variants.FORMATS,
)

# %% tags=["remove-input"]
prose.verdict("M21")

# %%
far = torch.tensor([[10.0, 0.0, 0.0]], dtype=torch.float64)
apart = {
    name: float(students.closed_gradient(far, -far, name).norm())
    for name in DISTILLATIONS
}
assert apart["kl"] < 2**0.5 < 20 <= apart["l2_logits"]

# %% [markdown]
# Only $\beta$ was tried anew for KL. The learning rates, $\gamma$ and the number of
# draws are those that the search found with L2 on logits, so that M21 compares a form
# that was searched with one that was tried at three weights. Elsewhere each form was
# tuned for itself: in Table 1 under `controlled`, DISTN learns by KL and MIMIC by L2 on
# logits. They differ in more than that, since DISTN also has a share of the labels'
# cross-entropy.

# %% tags=["remove-input"]
prose.sentence(
    "{said}",
    command="kdgan sweep table1 --protocol controlled --method mimic distn",
    said=forms.tuned_apart(),
)

# %% [markdown]
# And without a game? A small live comparison: a softmax regression teaches another that
# sees the upper half of each digit only, from 100 digits. It does not judge the claim.

# %%
seeds = range({"smoke": 1, "book": 4, "paper": 30}[profile])
digits = students.digit_students([1.0, 4.0, 20.0], seeds)
by_loss = digits.groupby(["loss", "T"], sort=False)["accuracy"]
compared = by_loss.agg(["mean", "std", "size"]).reset_index()

# %% tags=["remove-input"]
prose.table(
    compared.replace(forms.WORDS).rename(columns=forms.HEADINGS),
    "Students of one teacher on digits, by loss and temperature: held-out accuracy, "
    "and its standard deviation over seeds. *Labels*: no teacher.",
    "tab-provision-digits",
    formats={"accuracy, %": ".1f", "sd": ".1f", "temperature": ".0f"},
)

# %% tags=["remove-input"]
prose.sentence("{said}", said=forms.beside_labels(digits))

# %% [markdown]
# ## Explore
#
# Choose how wrong the teacher is; no kernel is needed.

# %% tags=["hide-input"]
sliders.slider(
    lambda share: drawings.field_on_triangle(
        {
            "KL": lambda h: students.student_gradient(
                students.wrong_teacher(p_u, share), h, "kl"
            )
        },
        {"true law": p_u, "teacher": students.wrong_teacher(p_u, share)},
    ),
    {"share moved": [0.0, 0.1, 0.2, 0.4, 0.6]},
    caption="The field of the KL loss follows the teacher.",
    alt="A triangle of arrows that lead to the teacher's law",
    start=(2,),
)

# %% [markdown]
# ## Verdicts

# %% tags=["remove-input"]
prose.verdicts(["M6", "M8"])

# %% [markdown]
# ## Deviations from the paper
# 1. The paper leaves the loss open between L2 and KL; the released code uses L2 on
#    logits throughout, also for DISTN. We implement both.
# 2. The laws here are tables of three or ten labels, where a teacher can be made wrong
#    by an exact amount; M21 alone is judged on networks.
# 3. M21's KL has three values of $\beta$, and in all else the settings that were
#    searched with L2 on logits.
#
# ## Exercises
# 1. Where does the mean over labels (instead of the sum) in KL hurt?
#
# :::{dropdown} Solution
# It divides the loss by $K$, so the balance with the label loss changes with the number
# of classes. In PyTorch: use `batchmean`, not `mean`.
# :::
#
# 2. A teacher is wrong by 0.2 on every image, but at a random label each time. Is the
#    student of many images wrong too?
#
# :::{dropdown} Solution
# Less: a student that cannot tell the images apart learns the mean of the teacher's
# laws (with KL; with L2 on logits, the mean of their logits), in which random errors
# spread out. Errors that repeat are what a student inherits.
# :::

# 3. Change `wrong` to 0 and run again. What is left of the argument for a third player?
#
# :::{dropdown} Solution
# With a table of labels nothing: a teacher that is right makes the student right. The
# argument needs teachers that err, as all teachers trained on few labels do.
# :::

# %% tags=["remove-input"]
notebooks.provenance(device="cpu")
