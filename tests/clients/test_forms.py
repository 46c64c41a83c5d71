"""Parameters of a request: what each type accepts, and how a body or query becomes parameters."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import ParameterError, RequestError
from api.forms import Form, depth_exceeds, parse_pairs
from api.urls import check_callback

SID = "WA" + "0aF" * 10 + "09"
DAY_MS = 86_400_000


def form(value: str) -> Form:
    return Form([("X", value)])


@pytest.mark.parametrize("pairs", [[], [("x", "1")]])
def test_what_was_not_sent_is_none_in_every_type(pairs: list[tuple[str, str]]) -> None:
    nothing = Form(pairs)
    assert nothing.text("X") is None
    assert nothing.integer("X", 0, 1) is None
    assert nothing.boolean("X") is None
    assert nothing.truthy("X") is None
    assert nothing.sid("X", "WA") is None
    assert nothing.sid_or_empty("X", "WA") is None
    assert nothing.one_of("X", ("a",)) is None
    assert nothing.instant_ms("X") is None
    assert nothing.attributes("X") is None
    assert nothing.filter("X") is None
    assert nothing.all("X") == []


def test_a_required_parameter_that_is_missing_is_named_with_its_place() -> None:
    with pytest.raises(RequestError) as missing:
        Form([], "query").required("FriendlyName")
    assert missing.value.message == "Missing required parameter FriendlyName in the query"


def test_a_repeated_parameter_counts_with_its_last_value_or_with_all() -> None:
    twice = Form([("X", "1"), ("Y", "2"), ("X", "3")])
    assert twice.integer("X", 0, 9) == 3
    assert twice.all("X") == ["1", "3"]


@pytest.mark.parametrize(
    ("method", "arguments", "value", "expected"),
    [
        ("text", (1, 3), "abc", "abc"),
        ("text", (0, 3), "", ""),
        ("text", (1, 3), "äöü", "äöü"),
        ("filter", (), "", None),
        ("integer", (0, 10), "10", 10),
        ("integer", (0, 10), "007", 7),
        ("boolean", (), "true", True),
        ("boolean", (), "YES", True),
        ("boolean", (), "1", True),
        ("boolean", (), "False", False),
        ("boolean", (), "0", False),
        ("boolean", (), "no", False),
        ("truthy", (), "yes", True),
        ("truthy", (), "perhaps", False),
        ("truthy", (), "", False),
        ("sid", ("WA",), SID, SID),
        ("sid_or_empty", ("WA",), SID, SID),
        ("sid_or_empty", ("WA",), "", ""),
        ("one_of", (("FIFO", "LIFO"),), "LIFO", "LIFO"),
        ("instant_ms", (), "1970-01-01T00:00:00Z", 0),
        ("instant_ms", (), "1970-01-02", DAY_MS),
        ("instant_ms", (), "1970-01-02T00:00:00", DAY_MS),
        ("instant_ms", (), "1970-01-02t00:00z", DAY_MS),
        ("instant_ms", (), "1970-01-01 00:00:01.5", 1_500),
        ("instant_ms", (), "1970-01-01T00:00:00.123456789Z", 123),
        ("instant_ms", (), "1970-01-01T02:00:00+02:00", 0),
        ("instant_ms", (), "1970-01-01T02:00:00+0200", 0),
        ("instant_ms", (), "1900-01-01T00:00:00Z", -2_208_988_800_000),
        ("attributes", (), ' { "a" : [1, "]]]]"] } ', ' { "a" : [1, "]]]]"] } '),
        ("attributes", (), "{}", "{}"),
        ("attributes", (), '{"a":"\\ud83d\\ude00"}', '{"a":"\\ud83d\\ude00"}'),
        ("attributes", (), '{"a":' * 32 + "1" + "}" * 32, '{"a":' * 32 + "1" + "}" * 32),
        ("attributes", (), '{"a":"%s"}' % ("x" * 4088), '{"a":"%s"}' % ("x" * 4088)),
        ("attributes", (), '{"a":"%s"}' % ("[{" * 100), '{"a":"%s"}' % ("[{" * 100)),
    ],
)
def test_a_value_of_the_right_form_is_taken(
    method: str, arguments: tuple[Any, ...], value: str, expected: Any
) -> None:
    taken = getattr(form(value), method)("X", *arguments)
    assert (type(taken), taken) == (type(expected), expected)


WRONG_INTEGERS = (
    "", "-1", "+1", "11", "1.0", "1e1", "0x1", "1_0", " 1", "1 ", "\u0661", "9" * 30, "nan",
)  # fmt: skip
WRONG_SIDS = ("", SID[:-1], SID + "0", "WK" + SID[2:], SID[:-1] + "g", SID + "\n", SID.lower())
WRONG_INSTANTS = (
    "", "now", "1970", "1970-13-01", "1970-01-01T25:00:00Z", "1970-01-01T00:00:00+25:00", "19700101",
    "1970-W01-1", "0001-01-01T00:00:00+23:00x", "1970-01-01T00:00:00Z ", "\u0661970-01-01",
)  # fmt: skip
WRONG_ATTRIBUTES = (
    "", "1", "null", '"a"', "[]", "{", "{}}", '{"a":NaN}', '{"a":Infinity}', '{"a":1e999}', "{'a':1}",
    '{"a":"\\ud800"}', '{"a":"\\udc00"}', '{"a":1,}', "{a:1}", "\ufeff{}", '{"a":"\n"}',
    '{"a":' * 33 + "1" + "}" * 33, '{"a":' + "[" * 2000, '{"a":"' + "x" * 4089 + '"}',
)  # fmt: skip


@pytest.mark.parametrize(
    ("method", "arguments", "values"),
    [
        ("text", (1, 3), ("", "abcd")),
        ("integer", (0, 10), WRONG_INTEGERS),
        ("boolean", (), ("", "on", "wahr", "2", " true")),
        ("sid", ("WA",), WRONG_SIDS),
        ("sid_or_empty", ("WA",), ("x", " ")),
        ("one_of", (("FIFO", "LIFO"),), ("", "fifo", "FIFO ")),
        ("instant_ms", (), WRONG_INSTANTS),
        ("attributes", (), WRONG_ATTRIBUTES),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_by_name(
    method: str, arguments: tuple[Any, ...], values: tuple[str, ...]
) -> None:
    for value in values:
        with pytest.raises(ParameterError) as refused:
            getattr(form(value), method)("X", *arguments)
        assert refused.value.status == 400
        assert refused.value.message.startswith("X: "), value


def test_an_instant_at_the_edge_of_the_calendar_is_refused_not_overflowed() -> None:
    assert form("0001-01-01T00:00:00Z").instant_ms("X") == -62_135_596_800_000
    for edge in ("0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"):
        outcome = form(edge)
        assert isinstance(outcome.instant_ms("X"), int)


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=20))
def test_whatever_is_urlencoded_comes_back(pairs: list[tuple[str, str]]) -> None:
    assert parse_pairs(urlencode(pairs).encode(), "body") == pairs


@given(st.text(alphabet="ab=&%+23éCAB9fdED ;\n", max_size=12))
def test_any_text_is_parsed_as_the_standard_library_does_or_refused(raw: str) -> None:
    try:
        expected = parse_qsl(raw, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        with pytest.raises(RequestError, match="not valid UTF-8"):
            parse_pairs(raw.encode(), "body")
    else:
        assert parse_pairs(raw.encode(), "body") == expected


@pytest.mark.parametrize("raw", [b"a=\xff", b"a=%ff", b"%ff=a", b"a=1&b=%ED%A0%80", b"a=%C3"])
def test_bytes_that_are_not_utf8_are_refused_wherever_they_are(raw: bytes) -> None:
    with pytest.raises(RequestError, match="post body is not valid UTF-8"):
        parse_pairs(raw, "post body")


def test_a_thousand_parameters_are_enough() -> None:
    assert len(parse_pairs(b"&".join([b"a=1"] * 1000), "body")) == 1000
    with pytest.raises(RequestError, match="more than 1000"):
        parse_pairs(b"&".join([b"a=1"] * 1001), "body")


def test_depth_counts_brackets_outside_of_strings_only() -> None:
    assert not depth_exceeds('{"a":"' + "[" * 50 + '"}', 32)
    assert not depth_exceeds('{"a\\"":"' + "\\\\" * 40 + "[" * 50 + '"}', 32)
    assert not depth_exceeds("[" + "[]," * 50 + "1]", 32)
    assert depth_exceeds("[" * 33 + "]" * 33, 32)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.com/hook?a=1#rc=2",
        "http://user:secret@example.com:8080/",
        "http://8.8.8.8/",
        "http://[2606:4700:4700::1111]/",
        "http://[::ffff:8.8.8.8]/",
        "https://bücher.example/",
        "HTTP://EXAMPLE.COM",
    ],
)
def test_a_public_callback_is_accepted(url: str) -> None:
    assert check_callback("Url", url, private=False) == url


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",  # noqa: S104 - refused, not bound to
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[::ffff:127.0.0.1]",
        "[ff02::1]",
    ],
)
def test_a_callback_into_a_private_network_needs_the_setting(host: str) -> None:
    url = f"http://{host}:8080/hook"
    with pytest.raises(ParameterError, match="Url: must not point into a private network"):
        check_callback("Url", url, private=False)
    assert check_callback("Url", url, private=True) == url


@pytest.mark.parametrize(
    "url",
    [
        "example.com",
        "/hook",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://[::1/",
        "http://exa mple.com/",
        "http://example.com/\r\nX: y",
        "http://example.com\\@10.0.0.1/",
        "http://example.com/" + "x" * 2048,
    ],
)
@pytest.mark.parametrize("private", [False, True])
def test_what_is_no_web_address_is_refused_with_any_setting(url: str, private: bool) -> None:
    with pytest.raises(ParameterError, match=r"^Url: "):
        check_callback("Url", url, private=private)


def test_percent_encoding_of_a_name_is_undone_and_cannot_spell_another_parameter() -> None:
    assert parse_pairs(b"Priority%3D5=1&Priority%3d6", "body") == [("Priority=5", "1"), ("Priority=6", "")]
    assert parse_pairs(f"{quote('Ä b')}=1".encode(), "body") == [("Ä b", "1")]
