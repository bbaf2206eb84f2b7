"""Shared pretrained players are as old as the code that trained them."""

import sys
from pathlib import Path

from kdgan_lib import fit
from kdgan_lib.execute import training_sources
from kdgan_lib.paths import ROOT
from tests import toys


def test_every_module_that_trains_a_player_is_part_of_its_key():
    entered = set()

    def note(frame, event, argument):
        entered.add(Path(frame.f_code.co_filename))

    players, split = toys.players(), toys.split()
    sys.setprofile(note)
    try:
        fit("kdgan", players, split, toys.BUDGET)
    finally:
        sys.setprofile(None)
    library = {path for path in entered if path.is_relative_to(ROOT / "kdgan_lib")}
    assert {path.name for path in library} > {"train.py", "state.py", "adversarial.py"}
    assert library <= set(training_sources())


def test_the_networks_are_part_of_it():
    names = {path.name for path in training_sources()}
    assert names > {"nets.py", "cifar_nets.py", "tag_nets.py"}
