"""Check the arithmetic of products: rounded where asked, and only there."""

import pytest
import torch

from kdgan_lib import fit
from kdgan_lib.loop.precision import arithmetic
from kdgan_lib.loop.state import digest
from tests import toys


def products():
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(256, 256, generator=generator) for _ in range(2))
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
