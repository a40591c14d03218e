"""Where iamtui keeps its files, and where it finds the ones it ships."""

from __future__ import annotations

from pathlib import Path

from platformdirs import PlatformDirs

_DIRS = PlatformDirs("iamtui", appauthor=False)


def config_file() -> Path:
    """The user's config file (TOML); it need not exist, and the app never writes it."""
    return _DIRS.user_config_path / "config.toml"


def user_themes() -> Path:
    """The folder of the user's own theme files; it need not exist."""
    return _DIRS.user_config_path / "themes"


def data_folder() -> Path:
    """The folder for state and saved questions; it need not exist."""
    return _DIRS.user_data_path


def cache_folder() -> Path:
    """The folder for what can be made again; it need not exist."""
    return _DIRS.user_cache_path


def log_file() -> Path:
    """The log file; it need not exist."""
    return _DIRS.user_log_path / "iamtui.log"


def shipped_themes() -> Path | None:
    """The folder of our own themes: inside the installed package, or `themes/` of a checkout."""
    package = Path(__file__).parent
    for folder in (package / "themes", package.parent / "themes"):
        if folder.is_dir():
            return folder
    return None
