"""All recipes, in the order of the menu."""

from __future__ import annotations

from app.recipes.back_up_key import BackUpKey
from app.recipes.base import Recipe
from app.recipes.change_key import ChangeKey
from app.recipes.check_keys import CheckKeys
from app.recipes.claim_board import ClaimBoard
from app.recipes.claim_by_cable import ClaimByCable
from app.recipes.clear_wifi import ClearWifi
from app.recipes.deep_update import DeepUpdate
from app.recipes.factory_reset import FactoryReset
from app.recipes.first_set_up import FirstSetUp
from app.recipes.flash_file import FlashFile
from app.recipes.full_firmware_upgrade import FullFirmwareUpgrade
from app.recipes.join_wifi import JoinWifi
from app.recipes.local_cloud import LocalCloud
from app.recipes.prove_handshake import ProveHandshake
from app.recipes.put_back import PutBack
from app.recipes.read_identity import ReadIdentity
from app.recipes.register_key import RegisterKey
from app.recipes.release_board import ReleaseBoard
from app.recipes.restore_key import RestoreKey
from app.recipes.restore_system import RestoreSystem
from app.recipes.save_board import SaveBoard
from app.recipes.switch_cloud import SwitchCloud
from app.recipes.why_not_connecting import WhyNotConnecting
from app.recipes.x_ray import XRayRecipe

RECIPES: tuple[type[Recipe], ...] = (
    ReadIdentity,
    JoinWifi,
    WhyNotConnecting,
    FirstSetUp,
    BackUpKey,
    SaveBoard,
    XRayRecipe,
    CheckKeys,
    RestoreKey,
    ChangeKey,
    SwitchCloud,
    ProveHandshake,
    LocalCloud,
    ClaimBoard,
    ClaimByCable,
    RegisterKey,
    ReleaseBoard,
    DeepUpdate,
    FullFirmwareUpgrade,
    RestoreSystem,
    FlashFile,
    PutBack,
    FactoryReset,
    ClearWifi,
)


def recipe(key: str) -> type[Recipe]:
    """Return the recipe of that name; KeyError when there is none."""
    return {found.key: found for found in RECIPES}[key]


def known(key: str) -> type[Recipe] | None:
    """Return the recipe of a name that comes from elsewhere, for example of a newer version's journal; None if none."""
    return next((found for found in RECIPES if found.key == key), None)
