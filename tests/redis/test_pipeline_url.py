"""Redis URLs: what is read, what is refused, what is never shown; and TLS by URL."""

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from hostile_server import Peer, on_both_loops

from engine.redis import Pipeline, RedisURL, connect

READ = {
    "redis://localhost": RedisURL(host="localhost", port=6379, db=0),
    "redis://": RedisURL(host="localhost"),
    "redis://10.0.0.7:6380/3": RedisURL(host="10.0.0.7", port=6380, db=3),
    "redis://h/1?db=2": RedisURL(host="h", db=2),
    "redis://[::1]:7000": RedisURL(host="::1", port=7000),
    "redis://:p%40ss%2Fword@h": RedisURL(host="h", password="p@ss/word"),
    "redis://u:p@h": RedisURL(host="h", username="u", password="p"),
    "redis://h?username=u&password=p": RedisURL(host="h", username="u", password="p"),
    "unix:///run/redis.sock": RedisURL(path="/run/redis.sock"),
    "unix:///a%20b%23c.sock?db=4": RedisURL(path="/a b#c.sock", db=4),
    "unix://u:p@/run/r.sock": RedisURL(path="/run/r.sock", username="u", password="p"),
    "rediss://h": RedisURL(host="h", tls=True),
    "rediss://h?ssl_cert_reqs=none&ssl_ca_certs=/ca.pem&ssl_check_hostname=False": RedisURL(
        host="h", tls=True, ssl_cert_reqs="none", ssl_ca_certs="/ca.pem", ssl_check_hostname=False
    ),
    "rediss://h?ssl_certfile=c&ssl_keyfile=k": RedisURL(
        host="h", tls=True, ssl_certfile="c", ssl_keyfile="k"
    ),
}

REFUSED = {
    "http://h": "scheme",
    "localhost:6379": "scheme",
    "": "scheme",
    "redis://h:0": "port",
    "redis://h:99999": "port",
    "redis://h:x": "port",
    "redis://h/x": "database",
    "redis://h?db=-1": "database",
    "redis://h/\N{SUPERSCRIPT TWO}": "database",
    "redis://[::1": "Invalid IPv6 URL",
    "redis://a..b": "host name",
    "redis://h?socket_timeout=3": "unknown option 'socket_timeout'",
    "redis://h?ssl_ca_certs=x": "unknown option 'ssl_ca_certs'",
    "redis://h?db": "name=value",
    "redis://h#x": "fragment",
    "redis://user@h": "needs a password",
    "unix://run/redis.sock": "no host",
    "unix://": "path of a socket",
    "rediss://h?ssl_cert_reqs=maybe": "ssl_cert_reqs",
    "rediss://h?ssl_check_hostname=maybe": "ssl_check_hostname",
}


@pytest.mark.parametrize(("url", "expected"), READ.items())
def test_a_url_is_read(url: str, expected: RedisURL) -> None:
    assert RedisURL.parse(url) == expected


@pytest.mark.parametrize(("url", "complaint"), REFUSED.items())
def test_a_wrong_url_is_refused_with_what_is_wrong(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match="Redis URL: .*" + complaint.replace("?", r"\?")):
        RedisURL.parse(url)


@pytest.mark.parametrize("url", [url for url in READ if "ssl_" not in url])
async def test_redis_py_reads_the_same(url: str) -> None:
    ours, client = RedisURL.parse(url), connect(url)
    theirs = client.connection_pool.connection_kwargs
    assert theirs.get("host", "localhost" if not ours.path else "") == ours.host
    assert theirs.get("path", "") == ours.path
    assert int(theirs.get("db", 0)) == ours.db
    assert (theirs.get("username") or "", theirs.get("password") or "") == (ours.username, ours.password)
    await client.aclose()


SHOWN = {
    "redis://u:secret@h:1/2": "redis://u:***@h:1/2",
    "rediss://:secret@[::1]": "rediss://:***@[::1]:6379/0",
    "unix://:secret@/s?db=1": "unix://:***@/s?db=1",
    "redis://h": "redis://h:6379/0",
}


@pytest.mark.parametrize(("url", "shown"), SHOWN.items())
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert str(RedisURL.parse(url)) == shown
    assert repr(RedisURL.parse(url)) == f"RedisURL({shown!r})"


@pytest.mark.parametrize("url", ["redis://:secret@h:x", "redis://:secret@h?x=1", "redis://:secret@h#x"])
def test_a_complaint_does_not_show_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="Redis URL") as caught:
        RedisURL.parse(url)
    assert "secret" not in str(caught.value)


def test_a_missing_certificate_file_stops_the_start(tmp_path: Path) -> None:
    for option in ("ssl_ca_certs", "ssl_certfile"):
        with pytest.raises(ValueError, match="certificate file"):
            Pipeline(RedisURL.parse(f"rediss://h?{option}={tmp_path}/none"))


def test_certificates_are_checked_unless_told_otherwise() -> None:
    def settings(options: str) -> tuple[ssl.VerifyMode, bool]:
        context = RedisURL.parse(f"rediss://h?{options}").ssl_context()
        assert context is not None
        return context.verify_mode, context.check_hostname

    assert settings("") == (ssl.CERT_REQUIRED, True)
    assert settings("ssl_check_hostname=no") == (ssl.CERT_REQUIRED, False)
    assert settings("ssl_cert_reqs=none") == (ssl.CERT_NONE, False)
    assert settings("ssl_cert_reqs=optional") == (ssl.CERT_OPTIONAL, True)
    assert RedisURL.parse("redis://h").ssl_context() is None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, signed by itself, its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    extra = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", str(path) + ".crt"]
    subprocess.run([openssl, "req", *options.split(), *extra], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@on_both_loops
async def test_tls_is_spoken_and_an_unknown_certificate_refused(certificate: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        await peer.welcome()
        await peer.command()
        peer.say(b"+PONG\r\n")
        await peer.gone()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    url = f"rediss://localhost:{listener.sockets[0].getsockname()[1]}"
    for options in (f"ssl_ca_certs={certificate}", "ssl_cert_reqs=none"):
        async with Pipeline(RedisURL.parse(f"{url}?{options}")) as p:
            assert await p.call("PING") == b"PONG", p.last_error
    async with Pipeline(RedisURL.parse(url), random=lambda: 0.0) as p:
        assert not p.connected
        assert "certificate verify failed" in p.last_error
    listener.close()
    await listener.wait_closed()
