import dataclasses

import pytest

from edgemnist.benchmarks.studies.training.ablation import main, variants
from edgemnist.export.training.recipe import EDGE, NOTEBOOK
from edgemnist.runtime.errors import OptionError


def test_every_variant_lacks_something_else():
    recipes = list(variants(EDGE).values())
    assert recipes[0] == EDGE
    assert len(set(recipes)) == len(recipes) > 5


def test_every_ingredient_of_the_recipe_is_taken_away_once():
    plain = {field.name: getattr(NOTEBOOK, field.name) for field in dataclasses.fields(NOTEBOOK)}
    kept = {
        "name",
        "epochs",
        "batch_size",
        "validation_share",
    }  # matters of cost
    for name, value in plain.items():
        without = any(getattr(recipe, name) == value for recipe in variants(EDGE).values())
        assert without or name in kept, name


def test_recipe_without_augmentation_has_no_ablation():
    with pytest.raises(ValueError, match="no augmentation"):
        variants(NOTEBOOK)


def test_unknown_ingredient_names_the_known_ones():
    with pytest.raises(OptionError, match=r"received magic; expected augmentation, .*centring"):
        main(without=["magic"])
