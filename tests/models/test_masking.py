"""Keys in what a server sends back: whole, in pieces, and in the codes that servers write things in."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote

import pytest

from planrunner.models.masking import MASK, Masking, is_key_name, keys_in_use

KEY = "sk-T3st/abc+0123456789=="


def mask(parameters: dict[str, object]) -> Masking:
    return Masking(keys_in_use(parameters))


def spellings() -> dict[str, str]:
    plain = {
        "as it is": KEY,
        "in an address": quote(KEY, safe=""),
        "in an address, small letters": re.sub("%..", lambda escape: escape[0].lower(), quote(KEY, safe="")),
        "in JSON that escapes slashes": json.dumps(KEY).replace("/", "\\/"),
        "in JSON within JSON": json.dumps(json.dumps(KEY).replace("/", "\\/")),
        "hexadecimal": KEY.encode().hex(),
        "in escapes": "".join(f"\\u{ord(letter):04x}" for letter in KEY),
        "in escapes, capital letters": "".join(f"\\u{ord(letter):04X}" for letter in KEY),
        "in escapes of JSON within JSON": "".join(f"\\\\u{ord(letter):04x}" for letter in KEY),
    }
    for before in ("", "x", "Bearer ", "user:", "Authorization: Bearer "):
        plain[f"base64 after {before!r}"] = base64.b64encode(f"{before}{KEY} and more".encode()).decode()
        plain[f"base64 for addresses after {before!r}"] = base64.urlsafe_b64encode(f"{before}{KEY}".encode()).decode()
    return plain


@pytest.mark.parametrize("how", spellings())
def test_a_key_is_masked_however_it_is_spelt(how: str) -> None:
    said = spellings()[how]
    told = mask({"api_key": KEY})(f"it is {said}, really")
    assert MASK in told
    assert told.startswith("it is ")
    assert told.endswith(", really")
    left = told.removeprefix("it is ").removesuffix(", really").split(MASK)
    for part in left:  # base64 shares a character at each end with what stands around the key
        assert not any(
            form[start : start + 4] in part for form in keys_in_use({"k_key": KEY}) for start in range(len(form) - 3)
        )


@pytest.mark.parametrize("how", spellings())
def test_a_key_in_pieces_is_masked_before_any_of_it_is_told(how: str) -> None:
    whole = f"it is {spellings()[how]}, really"
    for size in (1, 2, 3, 7):
        told: list[str] = []
        stream = mask({"api_key": KEY}).stream(told.append)
        for place in range(0, len(whole), size):
            stream.take(whole[place : place + size])
        stream.end()
        assert "".join(told) == mask({"api_key": KEY})(whole)


@pytest.mark.parametrize("escaped", ["/", "+=", "sk", "0123456789", KEY])
@pytest.mark.parametrize("begin", ["\\u", "\\\\u"])
@pytest.mark.parametrize("form", ["04x", "04X"])
def test_a_key_of_which_a_server_escapes_some_characters_is_masked(escaped: str, begin: str, form: str) -> None:
    spelt = "".join(f"{begin}{ord(letter):{form}}" if letter in escaped else letter for letter in KEY)
    told = mask({"api_key": KEY})(f"it\\u0020is {spelt}, \\u00e9 and {spelt}\\u0021 \\u12")
    assert told == f"it\\u0020is {MASK}, \\u00e9 and {MASK}\\u0021 \\u12"


def test_a_key_with_letters_beyond_ascii_is_masked_as_json_writes_it() -> None:
    key = "schlüssel-€-0123"
    assert mask({"api_key": key})(json.dumps({"key": key})) == json.dumps({"key": MASK}, ensure_ascii=False)


def test_what_only_begins_like_a_key_is_told_in_the_end() -> None:
    told: list[str] = []
    stream = mask({"api_key": KEY}).stream(told.append)
    stream.take("it is sk-T3st")
    assert "".join(told) == "it is "
    stream.take("ed and")
    stream.take(" sk-")
    stream.end()
    assert "".join(told) == "it is sk-T3sted and sk-"


def test_the_key_in_a_header_is_masked_by_itself_too() -> None:
    headers = {
        "extra_headers": {"Authorization": f"Bearer {KEY}", "X-Title": "a title of mine", "Cookie": "s=12345678"}
    }
    assert mask(headers)(f"{KEY} a title of mine s=12345678") == f"{MASK} a title of mine {MASK}"


def test_keys_of_the_environment_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    monkeypatch.setenv("MONKEY", "a-word-of-mine")
    assert mask({})(f"{KEY} a-word-of-mine") == f"{MASK} a-word-of-mine"


@pytest.mark.parametrize("name", ["api_key", "Authorization", "x-api-key", "aws_secret_access_key", "X-Auth", "token"])
def test_names_of_keys(name: str) -> None:
    assert is_key_name(name)


@pytest.mark.parametrize("name", ["model", "temperature", "api_base", "author", "X-Title"])
def test_other_names(name: str) -> None:
    assert not is_key_name(name)


def test_short_values_are_no_keys() -> None:
    assert keys_in_use({"api_key": "none", "token": 12345678}) == []
