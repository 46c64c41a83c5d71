"""Settings: every value is checked where it is read, and every setting is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.errors import SettingError
from engine.settings import (
    ENVIRONMENT_ONLY,
    Settings,
    allowed,
    as_environment,
    default_of,
    describe,
    environment_name,
    option_name,
    read,
)

FIELDS = Settings.__struct_fields__
README = Path(__file__).parents[2] / "README.md"
SID = "AC" + "0" * 32
TOKEN = "t" * 32

# options, environment, name of the setting that is refused, what the sentence says is right
REFUSED = [
    ({"port": "65536"}, {}, "port", "a whole number from 0 to 65535"),
    ({"port": "-1"}, {}, "port", "a whole number from 0 to 65535"),
    ({}, {"TRUNKLINE_PORT": "http"}, "port", "a whole number from 0 to 65535"),
    ({}, {"TRUNKLINE_PORT": "80.5"}, "port", "a whole number from 0 to 65535"),
    ({"api": "0"}, {}, "api", "a whole number from 1 to 64"),
    ({"matchers": "65"}, {}, "matchers", "a whole number from 1 to 64"),
    ({"shards": "4097"}, {}, "shards", "a whole number from 0 to 4096"),
    ({"durability": "everysec"}, {}, "durability", "one of durable, relaxed"),
    ({}, {"TRUNKLINE_ALLOW_WEAK_DURABILITY": "maybe"}, "allow_weak_durability", "true or false"),
    ({"log_level": "loud"}, {}, "log_level", "one of debug, info, warning, error"),
    ({"log_format": "xml"}, {}, "log_format", "one of text, json"),
    ({"host": ""}, {}, "host", "an address or host name"),
    ({"redis": "http://h"}, {}, "redis", "the scheme must be redis, rediss or unix"),
    ({"redis": "redis://h:x"}, {}, "redis", "the port must be a number from 1 to 65535"),
    ({"redis": "unix://run/redis.sock"}, {}, "redis", "as in unix:///run/redis.sock"),
    ({"redis": "redis://[::1"}, {}, "redis", "Invalid IPv6 URL"),
    ({"redis": "redis://h", "data": "/d"}, {}, "data", "left out when redis is set"),
    ({}, {"TRUNKLINE_REDIS": "redis://h", "TRUNKLINE_DATA": "/d"}, "data", "left out when redis is set"),
    ({"redis": "redis://h", "durability": "relaxed"}, {}, "durability", "--allow-weak-durability"),
    ({"public_url": "router.example.com"}, {}, "public_url", "like https://router.example.com"),
    ({"public_url": "https://h/v1"}, {}, "public_url", "without path or query"),
    ({"public_url": "https://u:p@h"}, {}, "public_url", "like https://router.example.com"),
    ({"public_url": "https://[h"}, {}, "public_url", "like https://router.example.com"),
    ({"trusted_proxies": "router.example.com"}, {}, "trusted_proxies", "such as 10.0.0.0/8"),
    ({"trusted_proxies": "10.0.0.1, 10.0.0.1/8"}, {}, "trusted_proxies", "has host bits set"),
    ({}, {"TRUNKLINE_TRUSTED_PROXIES": "10.0.0.0/33"}, "trusted_proxies", "with commas between"),
    ({}, {"TRUNKLINE_ACCOUNT_SID": SID}, "auth_token", "go together"),
    ({}, {"TRUNKLINE_AUTH_TOKEN": TOKEN}, "account_sid", "go together"),
    (
        {},
        {"TRUNKLINE_ACCOUNT_SID": "AC1", "TRUNKLINE_AUTH_TOKEN": TOKEN},
        "account_sid",
        "AC and 32 hexadecimal digits",
    ),
    (
        {},
        {"TRUNKLINE_ACCOUNT_SID": SID, "TRUNKLINE_AUTH_TOKEN": "short"},
        "auth_token",
        "16 to 256 printable ASCII characters",
    ),
]


@pytest.mark.parametrize(("options", "environment", "name", "right"), REFUSED)
def test_a_wrong_value_is_refused_with_its_name_and_what_is_right(
    options: dict[str, str], environment: dict[str, str], name: str, right: str
) -> None:
    with pytest.raises(SettingError) as refused:
        read(options, environment)
    text = str(refused.value)
    assert text.startswith(f"{name} (")
    assert environment_name(name) in text
    assert right in text
    assert "\n" not in text


def test_a_wrong_value_is_shown() -> None:
    with pytest.raises(SettingError, match="is '70000'"):
        read({"port": "70000"}, {})


def test_secrets_are_not_shown() -> None:
    with pytest.raises(SettingError) as refused:
        read({}, {"TRUNKLINE_ACCOUNT_SID": SID, "TRUNKLINE_AUTH_TOKEN": "tooshort"})
    assert "tooshort" not in str(refused.value)
    for url in ("redis://user:tooshort@h:x", "http://user:to/tooshort@h", "redis://h:x?password=tooshort"):
        with pytest.raises(SettingError) as refused:
            read({"redis": url}, {})
        assert "tooshort" not in str(refused.value)


def test_the_command_line_wins_over_the_environment_and_that_over_the_default() -> None:
    assert read({}, {}).port == 8780
    assert read({}, {"TRUNKLINE_PORT": "9000"}).port == 9000
    assert read({"port": "9001"}, {"TRUNKLINE_PORT": "9000"}).port == 9001


def test_an_option_not_given_and_an_empty_variable_are_not_set() -> None:
    assert read({"port": None}, {"TRUNKLINE_PORT": "", "TRUNKLINE_REDIS": ""}).port == 8780


def test_where_the_data_is_on_the_command_line_displaces_the_other_place_in_the_environment() -> None:
    assert read({"redis": "redis://h"}, {"TRUNKLINE_DATA": "/d"}).data == ""
    assert read({"data": "/d"}, {"TRUNKLINE_REDIS": "redis://h"}).redis == ""


def test_data_goes_to_the_users_data_folder_unless_told() -> None:
    assert read({}, {"XDG_DATA_HOME": "/data"}).data == "/data/trunkline"
    assert read({}, {"XDG_DATA_HOME": "relative"}).data_dir.parts[-3:] == (".local", "share", "trunkline")
    assert read({"redis": "redis://h"}, {}).data == ""


@pytest.mark.parametrize("text", ["true", "1", "True"])
def test_switches_are_turned_on_by_name(text: str) -> None:
    assert read({}, {"TRUNKLINE_ALLOW_PRIVATE_CALLBACKS": text}).allow_private_callbacks is True


def test_an_embedded_deployment_gets_one_shard_and_another_sixteen() -> None:
    assert read({}, {}).shards_wanted == 1
    assert read({"redis": "redis://h"}, {}).shards_wanted == 16
    assert read({"redis": "redis://h", "shards": "3"}, {}).shards_wanted == 3


def test_settings_survive_the_way_through_the_environment_of_a_child() -> None:
    settings = read(
        {"redis": "rediss://u:p@h:1/2", "shards": "4", "allow_weak_durability": True, "log_format": "json"},
        {"TRUNKLINE_ACCOUNT_SID": SID, "TRUNKLINE_AUTH_TOKEN": TOKEN},
    )
    assert read({}, as_environment(settings)) == settings


@pytest.mark.parametrize("field", FIELDS)
def test_every_setting_says_what_it_means_and_what_is_allowed(field: str) -> None:
    assert len(describe(field)) > 10
    assert allowed(field)


@pytest.mark.parametrize("field", FIELDS)
def test_every_setting_is_a_row_of_the_readme_with_its_default(field: str) -> None:
    rows = [line for line in README.read_text().splitlines() if f"`{environment_name(field)}`" in line]
    row = next(line for line in rows if line.startswith("|"))
    default = default_of(field)
    if field not in ENVIRONMENT_ONLY:
        assert re.search(rf"`{re.escape(option_name(field))}\b", row)
    if default not in ("", False):
        assert f"`{default}`" in row
