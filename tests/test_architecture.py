"""The floors of the house: imports point down, drivers stay behind their adapter."""

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports


def test_imports_keep_every_contract():
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == EXIT_STATUS_SUCCESS
