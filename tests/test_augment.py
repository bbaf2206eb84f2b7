"""Augmentation varies images as stated, and depends on its generator only."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kdgan_lib.augment import (
    AUGMENTATIONS,
    affine,
    affine_matrices,
    augment,
    crop,
    elastic,
    elastic_or_affine,
    mirror,
    sampled_places,
    warp,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def some_images(count=8, channels=1, height=28, width=28):
    return torch.rand(count, channels, height, width, generator=generator(1))


def matrix(*rows):
    return torch.tensor([rows])


@pytest.mark.parametrize("kind", AUGMENTATIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_augmentation_is_pure_and_a_function_of_its_generator(kind, dtype):
    images = some_images().to(dtype)
    before, state = images.clone(), torch.get_rng_state()
    one = augment(images, generator(3), kind)
    assert torch.equal(one, augment(images, generator(3), kind))
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert (one.shape, one.dtype) == (images.shape, dtype)
    if kind != "none":
        assert not torch.equal(one, augment(images, generator(4), kind))


def test_no_augmentation_draws_nothing():
    untouched = generator(3)
    images = some_images()
    assert augment(images, untouched, "none") is images
    assert torch.equal(untouched.get_state(), generator(3).get_state())


def test_an_unknown_augmentation_names_the_known_ones():
    with pytest.raises(
        ValueError, match="choose from none, affine, elastic, elastic_or"
    ):
        augment(some_images(), generator(), "flip")


def test_zero_amounts_change_nothing():
    images = some_images(3, 2, 12, 20)
    same = affine(images, generator(), degrees=0, shift=0, zoom=0)
    torch.testing.assert_close(same, images, atol=1e-5, rtol=0)


@settings(max_examples=30, deadline=None)
@given(
    degrees=st.floats(0, 90),
    shift=st.floats(0, 1),
    zoom=st.floats(0, 0.9),
    seed=st.integers(0, 1000),
)
def test_amounts_stay_within_their_bounds(degrees, shift, zoom, seed):
    maps = affine_matrices(20, generator(seed), degrees, shift, zoom)
    assert maps.shape == (20, 2, 3)
    angles = torch.atan2(maps[:, 1, 0], maps[:, 0, 0])
    assert angles.abs().max() <= math.radians(degrees) + 1e-4
    steps = maps[:, :, :2].norm(dim=1)  # along x and along y
    assert (steps - 1).abs().max() <= zoom + 1e-5
    assert maps[:, :, 2].abs().max() <= 2 * shift + 1e-6


def test_amounts_fill_their_range_and_differ_between_images():
    maps = affine_matrices(5000, generator())
    angles = torch.atan2(maps[:, 1, 0], maps[:, 0, 0]).rad2deg()
    assert angles.min() < -14.9
    assert angles.max() > 14.9
    assert abs(angles.mean()) < 0.5
    assert maps[:, 0, 2].max() > 0.199
    assert (maps[:, :, 2].std(0) - 0.2 / math.sqrt(3)).abs().max() < 0.005


def test_a_shift_of_whole_pixels_moves_pixels():
    images = some_images(1)
    places = sampled_places(images, matrix([1.0, 0, 2 * 3 / 28], [0, 1, 0]))
    moved = warp(images, places)
    torch.testing.assert_close(moved[..., :25], images[..., 3:], atol=1e-5, rtol=0)
    assert moved[..., 25:].abs().max() < 1e-5


def test_a_quarter_turn_turns_the_image():
    images = some_images(1)
    turned = warp(images, sampled_places(images, matrix([0.0, -1, 0], [1, 0, 0])))
    expected = torch.rot90(images, 1, (2, 3))
    torch.testing.assert_close(turned, expected, atol=1e-5, rtol=0)


def test_a_quarter_turn_of_a_wide_image_keeps_its_pixels_square():
    images = torch.zeros(1, 1, 8, 16)
    images[..., 3:5, 5:11] = 1  # two high, six wide
    turned = warp(images, sampled_places(images, matrix([0.0, -1, 0], [1, 0, 0])))
    expected = torch.zeros(1, 1, 8, 16)
    expected[..., 1:7, 7:9] = 1
    torch.testing.assert_close(turned, expected, atol=1e-5, rtol=0)


def test_affine_keeps_intensities_between_none_and_the_brightest():
    varied = affine(some_images(50), generator())
    assert varied.min() >= 0
    assert varied.max() <= 1


def test_each_image_is_varied_by_its_own_amounts():
    images = some_images(1).repeat(4, 1, 1, 1)
    varied = affine(images, generator())
    assert all(not torch.equal(varied[0], other) for other in varied[1:])


def test_elastic_without_a_field_is_affine():
    images = some_images()
    bent = elastic(images, generator(), pixels=0, degrees=20, shift=0.2)
    torch.testing.assert_close(bent, affine(images, generator(), 20, 0.2))


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("pixels", [1.0, 3.0])
def test_elastic_samples_up_to_some_pixels_away_along_both_axes(axis, pixels):
    ramp = torch.arange(100.0 if axis == 2 else 80.0)
    ramp = ramp[:, None] if axis == 2 else ramp[None, :]
    images = ramp.expand(20, 1, 100, 80).clone()
    bent = elastic(images, generator(), pixels, degrees=15, shift=0.1)
    moved = bent - affine(images, generator(), 15, 0.1)
    steps = moved[..., 30:70, 30:50]  # where no place outside the image is sampled
    assert 0.8 * pixels < steps.abs().max() < 1.4 * pixels  # cubics overshoot a little
    assert steps.mean().abs() < 0.1 * pixels
    assert steps.diff(dim=axis).abs().max() < 0.2 * pixels  # a smooth field


def test_elastic_or_affine_varies_half_of_the_batches_by_each():
    images = some_images(2)
    draws = generator()
    bent = 0
    for _ in range(100):
        before = torch.Generator().set_state(draws.get_state())
        varied = elastic_or_affine(images, draws)
        torch.rand(1, generator=before)  # the coin
        again = torch.Generator().set_state(before.get_state())
        as_bent = torch.equal(varied, elastic(images, before))
        assert as_bent != torch.equal(varied, affine(images, again))
        bent += as_bent
    assert 30 < bent < 70


def test_mirror_swaps_about_half_of_the_images_and_leaves_the_others():
    images = some_images(400, 3, 4, 5)
    varied = mirror(images, generator())
    swapped = (varied == images.flip(-1)).flatten(1).all(1)
    kept = (varied == images).flatten(1).all(1)
    assert (swapped ^ kept).all()
    assert 150 < swapped.sum() < 250


def test_crop_moves_each_image_by_whole_pixels_up_to_four_and_fills_with_zeros():
    images = torch.zeros(500, 3, 12, 11)
    images[:, :, 6, 5] = 1  # the column in the middle is its own mirror image
    places = crop(images, generator())[:, 0].nonzero()
    assert places[:, 0].tolist() == list(range(500))
    rows, columns = places[:, 1] - 6, places[:, 2] - 5
    for steps in (rows, columns):
        assert set(steps.tolist()) == set(range(-4, 5))
    assert len({*zip(rows.tolist(), columns.tolist(), strict=True)}) > 70


def test_crop_keeps_the_channels_of_an_image_together_and_mirrors_half():
    images = some_images(400, 3, 6, 7)
    varied = crop(images, generator(), pixels=0)
    assert torch.equal(varied, mirror(images, generator()))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(
    "kind", ["affine", "elastic", "elastic_or_affine", "mirror", "crop"]
)
def test_the_device_does_not_change_what_a_cpu_generator_draws(kind):
    images = some_images()
    there = augment(images.cuda(), generator(3), kind)
    here = augment(images, generator(3), kind)
    torch.testing.assert_close(there.cpu(), here, atol=1e-4, rtol=0)
    on_device = torch.Generator("cuda").manual_seed(3)
    assert augment(images.cuda(), on_device, kind).is_cuda
