"""Check the arithmetic of products: rounded where asked, and only there."""

import pytest
import torch

from kdgan_lib import fit
from kdgan_lib.loop.precision import arithmetic
from kdgan_lib.loop.state import digest
from tests import toys


def factors():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(256, 256, generator=generator) for _ in range(2)]


def products():
    left, right = factors()
    return left @ right


def test_float32_changes_no_bit():
    plain = products()
    with arithmetic("float32"):
        assert torch.equal(products(), plain)


def test_bfloat16_rounds_inside_the_block_only():
    plain = products()
    with arithmetic("bfloat16"):
        assert asked() == "bf16"
        rounded = products()
    assert asked() != "bf16"
    # Factors have 8 bits: an error of about sqrt(256) 2^-8, or none on other machines.
    assert (rounded - plain).abs().max() < 0.5
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        assert not torch.equal(rounded, plain)
    assert torch.equal(products(), plain)


GPU = (
    (torch.backends.cudnn.conv, "fp32_precision"),
    (torch.backends.cudnn.rnn, "fp32_precision"),
    (torch.backends.cuda.matmul, "fp32_precision"),
    (torch.backends.cudnn, "deterministic"),
    (torch.backends.cudnn, "benchmark"),
)


def of_a_gpu():
    return [getattr(part, name) for part, name in GPU]


@pytest.mark.parametrize(
    ("precision", "mode"), [("float32", "ieee"), ("bfloat16", "tf32")]
)
def test_a_gpu_rounds_where_asked_and_sums_in_a_fixed_order(precision, mode):
    before = of_a_gpu()
    with arithmetic(precision):
        assert of_a_gpu() == [mode] * 3 + [True, False]
    assert of_a_gpu() == before
    assert torch.backends.cudnn.allow_tf32  # can be read again


@pytest.fixture
def rounding_caller():
    """Have torch round on the CPU, and the GPU's convolutions set by the new names."""
    parts = torch.backends.mkldnn.matmul, torch.backends.cudnn.conv
    before = [part.fp32_precision for part in parts]
    for part, mode in zip(parts, ("bf16", "ieee"), strict=True):
        part.fp32_precision = mode
    yield
    for part, mode in zip(parts, before, strict=True):
        part.fp32_precision = mode


def test_float32_is_exact_where_the_caller_has_torch_round(rounding_caller):
    with arithmetic("float32"):
        plain = products()
    left, right = factors()
    exact = left.double() @ right.double()
    assert (plain - exact).abs().max() < 1e-4
    assert asked() == "bf16"
    assert torch.backends.cudnn.conv.fp32_precision == "ieee"


def asked():
    """Return in which precision products are asked for."""
    return torch.backends.mkldnn.matmul.fp32_precision


def quotient():
    return float(torch.tensor(2e-38) / 4)  # the smallest normal number is 1.2e-38


def test_denormals_are_flushed_inside_the_block_only():
    kept = quotient()
    with arithmetic("float32", "flushed"):
        assert quotient() == 0
        with arithmetic("float32"):
            assert quotient() == kept > 0
        assert quotient() == 0
    assert quotient() == kept


@pytest.mark.parametrize("denormals", ["kept", "flushed"])
def test_a_run_keeps_or_flushes_denormals_as_its_budget_says(denormals):
    seen = set()
    fit(
        "supervised",
        toys.players_of("supervised"),
        toys.split(),
        toys.BUDGET.but(denormals=denormals),
        after_epoch=lambda training, stage: seen.add(quotient() == 0),
    )
    assert seen == {denormals == "flushed"}
    assert quotient() > 0


def test_the_setting_is_restored_after_an_error():
    plain = products()
    with pytest.raises(RuntimeError), arithmetic("bfloat16"):
        raise RuntimeError
    assert torch.equal(products(), plain)


def test_a_run_trains_in_its_precision_and_repeats_to_the_bit():
    budget = toys.BUDGET.but(precision="bfloat16")
    seen = set()
    runs = [
        fit(
            "kdgan",
            toys.players(),
            toys.split(),
            budget,
            seed=1,
            after_epoch=lambda training, stage: seen.add(asked()),
        )
        for _ in range(2)
    ]
    assert seen == {"bf16"}
    assert digest(runs[0].players["classifier"]) == digest(
        runs[1].players["classifier"]
    )
