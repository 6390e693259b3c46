"""Sealed secrets, their keys, and the IM passwords that are derived."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from paas_stream.errors import ConfigurationError, PermanentError
from paas_stream.secrets import (
    MissingKeyError,
    Vault,
    keys_of,
    load_vault,
    read_keys,
    rotate,
)
from paas_stream.settings import SecretSettings, Settings, StateSettings


def new_key(**without: bool) -> dict[str, Any]:
    """A private key as it stands in a key set."""
    key = ECKey.generate_key("P-256", {"use": "enc"}, private=True, auto_kid=True)
    return {k: v for k, v in key.as_dict(private=True).items() if k not in without}


def settings(folder: Path, keys: object = None, service_key: str | None = None) -> Settings:
    """Settings with a keys file that holds `keys`, text or JSON; None: no file is configured."""
    file = None
    if keys is not None:
        file = folder / "keys.json"
        file.write_text(keys if isinstance(keys, str) else json.dumps(keys))
    return Settings(
        state=StateSettings(dir=folder / "state"),
        secret=SecretSettings.model_validate({"keys_file": file, "service_key": service_key}),
    )


def vault(folder: Path, *keys: dict[str, Any], service_key: str = "service") -> Vault:
    """A vault with these keys, the newest first."""
    return load_vault(settings(folder, {"keys": keys}, service_key))


class TestASealedSecret:
    @pytest.mark.parametrize("text", ["", "token", "ü\x00😀\n", "x" * 40_000])
    def test_is_opened_by_its_key(self, tmp_path: Path, text: str) -> None:
        ours = vault(tmp_path, new_key())
        assert ours.open(ours.seal(text)) == text

    def test_may_be_as_long_as_a_message(self, tmp_path: Path) -> None:
        ours = vault(tmp_path, new_key())
        assert len(ours.open(ours.seal("x" * 500_000))) == 500_000

    @pytest.mark.parametrize("value", [None, [], {"a": {"b": [1, 2.5, "x"]}}, "text"])
    def test_may_be_any_json_value(self, tmp_path: Path, value: object) -> None:
        ours = vault(tmp_path, new_key())
        assert ours.open_json(ours.seal_json(value)) == value

    def test_shows_nothing_of_itself_and_is_never_the_same(self, tmp_path: Path) -> None:
        ours = vault(tmp_path, new_key())
        one, two = ours.seal("hunter2"), ours.seal("hunter2")
        assert one != two
        for part in one.split("."):
            padded = part + "=" * (-len(part) % 4)
            assert b"hunter2" not in base64.urlsafe_b64decode(padded)

    def test_names_its_key_and_the_algorithms_of_the_design(self, tmp_path: Path) -> None:
        key = new_key()
        head = vault(tmp_path, key).seal("x").split(".")[0]
        header = json.loads(base64.urlsafe_b64decode(head + "=="))
        assert (header["alg"], header["enc"]) == ("ECDH-ES+A256KW", "A256GCM")
        assert header["kid"] == key["kid"]

    @pytest.mark.parametrize("part", range(5))
    def test_that_was_tampered_with_is_refused(self, tmp_path: Path, part: int) -> None:
        ours = vault(tmp_path, new_key())
        parts = ours.seal("hunter2").split(".")
        at = len(parts[part]) // 2
        other = "A" if parts[part][at] != "A" else "B"
        parts[part] = parts[part][:at] + other + parts[part][at + 1 :]
        with pytest.raises(PermanentError) as caught:
            ours.open(".".join(parts))
        assert caught.value.code == "secret"

    @pytest.mark.parametrize(
        "change",
        [
            {"alg": "none"},
            {"alg": "dir"},
            {"alg": "ECDH-ES"},
            {"enc": "A128CBC-HS256"},
            {"zip": "DEF"},
            {"kid": 3},
            {"epk": None},
            {"epk": "x"},
            {"crit": ["x"]},
        ],
        ids=str,
    )
    def test_with_another_header_is_refused(
        self, tmp_path: Path, change: dict[str, object]
    ) -> None:
        ours = vault(tmp_path, new_key())
        head, *rest = ours.seal("hunter2").split(".")
        header = json.loads(base64.urlsafe_b64decode(head + "==")) | change
        changed = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
        with pytest.raises(PermanentError):
            ours.open(".".join([changed, *rest]))

    @pytest.mark.parametrize("text", ["", "x", "a.b.c", "....", "é....", "W10.a.b.c.d"])
    def test_that_is_none_is_refused(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(PermanentError):
            vault(tmp_path, new_key()).open(text)

    def test_of_a_stranger_is_refused(self, tmp_path: Path) -> None:
        theirs, ours = load_vault(settings(tmp_path)), vault(tmp_path, new_key())
        with pytest.raises(MissingKeyError) as caught:
            ours.open(theirs.seal("hunter2"))
        assert "hunter2" not in caught.value.message


class TestRotation:
    def test_a_new_key_in_front_seals_and_the_old_one_still_opens(self, tmp_path: Path) -> None:
        old, new = new_key(), new_key()
        before = vault(tmp_path, old)
        sealed_before = before.seal("hunter2")
        after = vault(tmp_path, new, old)
        assert after.open(sealed_before) == "hunter2"
        assert before.open(after.seal("hunter2")) == "hunter2", "it takes the new key by itself"

    def test_a_running_process_seals_for_the_new_key_soon(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ours = vault(tmp_path, new_key())
        made = rotate(tmp_path / "keys.json")
        monkeypatch.setattr("paas_stream.secrets._LOOK_S", 0.0)
        head = ours.seal("x").split(".")[0]
        assert json.loads(base64.urlsafe_b64decode(head + "=="))["kid"] == made

    def test_a_file_that_breaks_meanwhile_changes_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        ours = vault(tmp_path, new_key())
        monkeypatch.setattr("paas_stream.secrets._LOOK_S", 0.0)
        (tmp_path / "keys.json").write_text("{")
        assert ours.open(ours.seal("hunter2")) == "hunter2"
        assert "stay in use" in caplog.text

    def test_rotate_keeps_every_key_and_puts_a_new_one_in_front(self, tmp_path: Path) -> None:
        ours = vault(tmp_path, new_key())
        sealed = ours.seal("hunter2")
        file = tmp_path / "keys.json"
        made = [rotate(file) for _ in range(3)]
        kept = [key.kid for key in keys_of(read_keys(file))]
        assert (kept[:3], len(kept)) == (made[::-1], 4)
        assert load_vault(settings(tmp_path, file.read_text())).open(sealed) == "hunter2"
        assert file.stat().st_mode & 0o777 == 0o600

    def test_rotate_refuses_a_file_that_it_cannot_read_or_write(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError):
            rotate(tmp_path / "no-folder" / "keys.json")
        (tmp_path / "keys.json").write_text("{}")
        with pytest.raises(ConfigurationError):
            rotate(tmp_path / "keys.json")

    def test_the_order_does_not_matter_for_opening(self, tmp_path: Path) -> None:
        one, two, three = new_key(), new_key(), new_key()
        sealed = vault(tmp_path, two).seal("hunter2")
        assert vault(tmp_path, one, two, three).open(sealed) == "hunter2"
        assert vault(tmp_path, three, one, two).open(sealed) == "hunter2"

    def test_a_key_that_is_gone_opens_nothing_any_more(self, tmp_path: Path) -> None:
        old = new_key()
        sealed = vault(tmp_path, old).seal("hunter2")
        with pytest.raises(MissingKeyError):
            vault(tmp_path, new_key()).open(sealed)

    def test_keys_without_an_id_work(self, tmp_path: Path) -> None:
        old, new = new_key(kid=True), new_key(kid=True)
        sealed = vault(tmp_path, old).seal("hunter2")
        assert vault(tmp_path, new, old).open(sealed) == "hunter2"


class TestAKeysFile:
    @pytest.mark.parametrize("content", ["", "no json", '{"keys": []}', '{"keys": [{}]}'])
    def test_that_is_no_key_set_stops_the_start(self, tmp_path: Path, content: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            load_vault(settings(tmp_path, content))
        assert "keys.json" in caught.value.message

    def test_that_is_not_there_stops_the_start(self, tmp_path: Path) -> None:
        lost = settings(tmp_path, {"keys": [new_key()]})
        (tmp_path / "keys.json").unlink()
        with pytest.raises(ConfigurationError):
            load_vault(lost)

    @pytest.mark.parametrize("content", ["{}", "[]", "null", "3", '{"keys": 3}'])
    def test_that_is_other_json_stops_the_start_with_a_sentence(
        self, tmp_path: Path, content: str
    ) -> None:
        with pytest.raises(ConfigurationError):
            load_vault(settings(tmp_path, content))

    @pytest.mark.parametrize("kind", ["public", "RSA"])
    def test_whose_keys_cannot_be_used_stops_the_start(self, tmp_path: Path, kind: str) -> None:
        public = ECKey.import_key(new_key()).as_dict(private=False)
        key = public if kind == "public" else RSAKey.generate_key(2048).as_dict(private=True)
        with pytest.raises(ConfigurationError):
            load_vault(settings(tmp_path, {"keys": [key]}))


class TestKeysOfOurOwn:
    def test_are_made_once_and_stay(self, tmp_path: Path) -> None:
        first, second = load_vault(settings(tmp_path)), load_vault(settings(tmp_path))
        assert second.open(first.seal("hunter2")) == "hunter2"
        assert second.im_password("u") == first.im_password("u")

    def test_are_for_their_user_only(self, tmp_path: Path) -> None:
        old = os.umask(0)
        try:
            load_vault(settings(tmp_path))
        finally:
            os.umask(old)
        folder = tmp_path / "state" / "keys"
        assert folder.stat().st_mode & 0o777 == 0o700
        modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
        assert modes == {"jwe.json": 0o600, "service.key": 0o600}

    def test_leave_no_draft_behind(self, tmp_path: Path) -> None:
        load_vault(settings(tmp_path))
        names = {file.name for file in (tmp_path / "state" / "keys").iterdir()}
        assert names == {"jwe.json", "service.key"}

    def test_are_the_same_for_processes_that_start_at_once(self, tmp_path: Path) -> None:
        program = (
            "import sys, time, pathlib\n"
            "from paas_stream.secrets import load_vault\n"
            "from paas_stream.settings import Settings, StateSettings\n"
            "made = Settings(state=StateSettings(dir=pathlib.Path(sys.argv[1])))\n"
            "print('ready', flush=True)\n"
            "sys.stdin.readline()\n"
            "vault = load_vault(made)\n"
            "print(vault.keys.sealing.kid, vault.im_password('u'))\n"
        )
        command = [sys.executable, "-c", program, str(tmp_path / "state")]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PAAS_")}
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
        running = [
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
                cwd=tmp_path,
            )
            for _ in range(3)
        ]
        for one in running:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in running:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        told = {one.communicate(timeout=60)[0] for one in running}
        assert [one.returncode for one in running] == [0] * 3
        assert len(told) == 1


class TestTheServiceKey:
    def test_gives_each_im_user_a_password_of_its_own(self, tmp_path: Path) -> None:
        ours = vault(tmp_path, new_key())
        passwords = {ours.im_password(f"uuid.{number}") for number in range(100)}
        assert len(passwords) == 100
        assert all(len(one) == 64 and one.isalnum() for one in passwords)

    def test_decides_the_passwords_alone(self, tmp_path: Path) -> None:
        one = vault(tmp_path, new_key(), service_key="a")
        same = vault(tmp_path, new_key(), service_key="a\n")
        other = vault(tmp_path, new_key(), service_key="b")
        assert one.im_password("u") == same.im_password("u")
        assert one.im_password("u") != other.im_password("u")

    def test_is_not_shown(self, tmp_path: Path) -> None:
        assert "hunter2" not in repr(settings(tmp_path, service_key="hunter2"))

    @pytest.mark.parametrize("service_key", ["", "  ", "\n"])
    def test_that_is_empty_stops_the_start(self, tmp_path: Path, service_key: str) -> None:
        with pytest.raises(ConfigurationError):
            vault(tmp_path, new_key(), service_key=service_key)


def test_a_vault_does_not_show_its_keys(tmp_path: Path) -> None:
    assert "hunter2" not in repr(vault(tmp_path, new_key(), service_key="hunter2"))
