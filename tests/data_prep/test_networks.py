"""The networks are the published ones, or they are refused."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from data_prep import networks
from data_prep.__main__ import NETWORKS
from data_prep.errors import PrepError
from data_prep.networks import BACKBONES, VGG16_KERNELS, china, knows_china
from data_prep.photographs import NotAnImage, read_picture
from data_prep.tag_table import LIGHT
from kdgan_lib import recommend, tag_tables


def test_the_command_offers_the_networks_there_are():
    assert tuple(BACKBONES) == NETWORKS
    assert NETWORKS[0] == LIGHT


def test_a_picture_of_ones_own_is_seen_as_the_drawings_were():
    assert recommend.BACKBONE == LIGHT == tag_tables.NETWORK
    assert BACKBONES[LIGHT].side == recommend.SIDE


def test_single_weights_of_vgg16_are_compared_with_published_ones():
    kernel, bias = np.zeros((64, 3, 3, 3), np.float32), np.zeros(64, np.float32)
    kernel[0, 0, 0, 0], bias[25] = 0.42947057, 0.7446502
    assert networks._is_published("block1_conv1", kernel, bias)
    assert not networks._is_published("block1_conv1", kernel * 1.001, bias)
    assert not networks._is_published("block1_conv1", kernel, bias * 1.001)
    row, column, inputs, outputs = VGG16_KERNELS["block5_conv1"][0]
    kernel = np.zeros((512, 512, 3, 3), np.float32)
    kernel[outputs, inputs, row, column] = -0.011236359
    assert networks._is_published("block5_conv1", kernel, np.zeros(512))


def test_other_layers_than_vgg16s_are_refused():
    layer = "functional_1/block1_conv1_1"
    arrays = {
        f"{layer}/convolution/ReadVariableOp:0": np.zeros((64, 3, 3, 3), np.float32),
        f"{layer}/Squeeze:0": np.zeros(64, np.float32),
    }
    with pytest.raises(PrepError, match="block1_conv1 of VGG16 has other weights"):
        next(networks._vgg_blocks(arrays))
    with pytest.raises(PrepError, match="has no layer block1_conv1"):
        next(networks._vgg_blocks({}))


class Constant(torch.nn.Module):
    """Give the same features for any picture."""

    def __init__(self, features):
        super().__init__()
        self.features = features

    def forward(self, pixels):
        return self.features.expand(len(pixels), -1)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_network_must_know_a_photograph(name):
    backbone = BACKBONES[name]
    features = torch.zeros(backbone.width)
    for number, value in backbone.china.items():
        features[number] = value
    assert knows_china(Constant(features), backbone)
    assert not knows_china(Constant(features * 1.1), backbone)
    assert not knows_china(Constant(features.roll(1)), backbone)


def test_the_photograph_is_red_below_and_blue_above():
    pixels = china(64)
    assert pixels.shape == (1, 3, 64, 64)
    red, _, blue = pixels[0, :, :8].mean((1, 2))
    assert blue > red


def encoded(image, kind):
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "CMYK", "RGBA", "LA", "I;16"])
def test_pictures_of_every_kind_become_squares_of_three_colours(mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    picture = read_picture(encoded(Image.new(mode, (50, 30)), kind), 16)
    assert (picture.shape, picture.dtype) == ((16, 16, 3), np.uint8)


def test_the_middle_is_taken_and_the_transparent_is_white():
    image = Image.new("RGB", (60, 20), "red")
    image.paste("blue", (20, 0, 40, 20))
    square = read_picture(encoded(image, "PNG"), 8)
    assert (square[:, 2:-2] == (0, 0, 255)).all()  # the edges are blurred
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    assert (read_picture(encoded(clear, "PNG"), 8) == 255).all()


def test_a_photograph_lies_as_its_camera_was_held():
    image = Image.new("RGB", (40, 20), "red")
    image.paste("blue", (0, 0, 20, 20))
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(file, "JPEG", exif=exif, quality=95)
    upright = read_picture(file.getvalue(), 16)
    assert upright[0, 8, 2] > 200
    assert upright[15, 8, 0] > 200


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an image"),
        (b"<html></html>", "not an image"),
        (encoded(Image.new("RGB", (99, 99)), "JPEG")[:400], "a damaged image"),
        (encoded(Image.new("1", (20_000, 9_000)), "PNG"), "too many pixels"),
    ],
)
def test_what_is_no_picture_says_why(content, reason):
    with pytest.raises(NotAnImage, match=reason):
        read_picture(content)
