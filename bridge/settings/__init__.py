"""What the operator decides: checked settings from one YAML file and the environment."""

from bridge.networks.matrix.registration import BadFile, Problem
from bridge.settings.loading import SettingsError, load
from bridge.settings.models import Settings
from bridge.settings.values import Listen

__all__ = ["BadFile", "Listen", "Problem", "Settings", "SettingsError", "load"]
