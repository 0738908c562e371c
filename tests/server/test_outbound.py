"""The way out: what is called, what is not, and that nothing takes longer or more than it may."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from server.outbound import NoAnswer, NotAcceptable, Outbound
from tests.other_server import Answer, answering, serving, sleeping

SANDBOX = Outbound(sandbox=True)
PRODUCTION = Outbound(frozenset({"members.payer.example"}))


def resolved_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """The name server knows these addresses for every name."""

    def getaddrinfo(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(families[":" in each], socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr("server.outbound.socket.getaddrinfo", getaddrinfo)


NEVER = [
    "",
    "ftp://payer.example/",
    "file:///etc/passwd",
    "//payer.example/",
    "https:///ask",
    "https://user:secret@payer.example/",
    "https://user@payer.example/",
    "https://payer.example/#part",
    "https://payer.example/a b",
    "https://payer.example/\n",
    "https://payer.example\r\n.good.example/",
    "https://127.0.0.1\\@payer.example/",
    "https://payer.example/ä",
    "https://payer.example:99999/",
    "https://[::1/",
    "https://payer.example/" + "a" * 2048,
]


@pytest.mark.parametrize("url", NEVER)
@pytest.mark.parametrize("outbound", [SANDBOX, PRODUCTION], ids=["sandbox", "production"])
def test_no_such_url_is_called(outbound: Outbound, url: str) -> None:
    with pytest.raises(NotAcceptable):
        outbound.check(url)
    with pytest.raises(NotAcceptable):
        outbound.post(url, b"", {}, seconds=1)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://payer.example/ask?x=1", True),
        ("https://payer.example:443/ask", True),
        ("https://members.payer.example:8443/ask", True),
        ("https://payer.example:8443/ask", False),
        ("https://evil-members.payer.example.evil:8443/ask", False),
        ("http://payer.example/ask", False),
        ("http://members.payer.example/ask", False),
        ("http://127.0.0.1:8000/ask", False),
    ],
)
def test_outside_the_sandbox_only_https_on_its_own_port(url: str, allowed: bool) -> None:
    if allowed:
        PRODUCTION.check(url)
    else:
        with pytest.raises(NotAcceptable):
            PRODUCTION.check(url)


NOT_PUBLIC = [
    *("127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0.0.0.0"),
    *("224.0.0.1", "255.255.255.255", "192.88.99.1", "198.18.0.1", "::1", "::", "fc00::1", "fe80::1", "fe80::1%eth0"),
    *("ff02::1", "fec0::1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::", "2001::1", "5f00::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_address_inside_is_called(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolved_to(monkeypatch, "93.184.216.34", address)
    with pytest.raises(NotAcceptable):
        PRODUCTION.post("https://payer.example/ask", b"", {}, seconds=1)


@pytest.mark.parametrize("spelling", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost"])
def test_odd_spellings_of_this_machine_are_seen_through(spelling: str) -> None:
    with pytest.raises(NotAcceptable):
        PRODUCTION.post(f"https://{spelling}/ask", b"", {}, seconds=2)


@pytest.mark.parametrize(
    ("address", "allowed"), [("10.0.0.1", True), ("fc00::1", True), ("169.254.169.254", False), ("224.0.0.1", False)]
)
def test_a_host_that_the_operator_names_may_be_in_the_own_network(
    monkeypatch: pytest.MonkeyPatch, address: str, allowed: bool
) -> None:
    resolved_to(monkeypatch, address)
    if allowed:
        assert [str(each) for each in PRODUCTION.addresses("members.payer.example", 443)] == [address]
    else:
        with pytest.raises(NotAcceptable):
            PRODUCTION.addresses("members.payer.example", 443)


def test_the_sandbox_reaches_this_machine_and_no_other_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(200, b"{}")) as url:
        assert SANDBOX.post(url, b"{}", {}, seconds=5).status == 200
    resolved_to(monkeypatch, "10.0.0.1")
    with pytest.raises(NotAcceptable):
        SANDBOX.post("http://inside.example/ask", b"", {}, seconds=1)


def test_the_name_is_asked_for_once_and_the_checked_address_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str, bytes]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        seen.append((handler.headers["Host"], handler.path, body))
        handler.send_response(201)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    with serving(answer) as url:
        port = url.rpartition(":")[2].partition("/")[0]
        asked: list[str] = []
        original = socket.getaddrinfo

        def rebinding(host: str, *more: Any, **named: Any) -> Any:
            asked.append(host)
            address = {1: "127.0.0.1"}.get(len(asked), "10.0.0.1") if host == "payer.example" else host
            return original(address, *more, **named)

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        reply = SANDBOX.post(f"http://payer.example:{port}/ask?x=1", b"body", {}, seconds=5)
    assert (reply.status, reply.body) == (201, b"ok")
    assert seen == [(f"payer.example:{port}", "/ask?x=1", b"body")]
    assert asked.count("payer.example") == 1


def test_a_redirect_is_not_followed() -> None:
    with serving(answering(302, b"", Location="http://169.254.169.254/")) as url:
        assert SANDBOX.post(url, b"{}", {}, seconds=5).status == 302


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(answering(200, b"here")) as url:
        assert SANDBOX.post(url, b"{}", {}, seconds=5).body == b"here"


def test_an_answer_has_a_limit() -> None:
    with serving(answering(200, b"x" * 1001)) as url:
        assert len(SANDBOX.post(url, b"{}", {}, seconds=5, most_bytes=1001).body) == 1001
        with pytest.raises(NoAnswer):
            SANDBOX.post(url, b"{}", {}, seconds=5, most_bytes=1000)


def test_where_only_the_status_counts_the_rest_of_a_long_answer_is_not_read() -> None:
    with serving(answering(200, b"x" * 1001)) as url:
        reply = SANDBOX.post(url, b"{}", {}, seconds=5, most_bytes=1000, whole=False)
    assert (reply.status, len(reply.body)) == (200, 1000)


def test_it_is_known_when_to_come_again() -> None:
    with serving(answering(503, b"", **{"Retry-After": "120"})) as url:
        assert SANDBOX.post(url, b"{}", {}, seconds=5).retry_after == "120"


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """A header line every 50 ms: no single read is slow, and there is no end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(60):
        try:
            handler.wfile.write(b"X-More: 1\r\n")
        except OSError:
            return
        time.sleep(0.05)


@pytest.mark.parametrize("answer", [sleeping, dripping])
def test_the_whole_attempt_has_a_deadline(answer: Answer) -> None:
    with serving(answer) as url:
        started = time.monotonic()
        with pytest.raises(NoAnswer):
            SANDBOX.post(url, b"{}", {}, seconds=0.3)
        assert time.monotonic() - started < 1


def test_a_name_server_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.outbound.socket.getaddrinfo", lambda *_, **__: time.sleep(1))
    started = time.monotonic()
    with pytest.raises(NoAnswer):
        SANDBOX.post("http://payer.example/", b"", {}, seconds=0.2)
    assert time.monotonic() - started < 0.8


def test_nothing_is_told_of_why_nothing_came() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    words = set()
    with serving(sleeping) as hanging, serving(lambda handler: handler.wfile.write(b"SSH-2.0\r\n")) as other:
        for url in (f"http://127.0.0.1:{port}/", hanging, other, "http://no-such-host.invalid/"):
            with pytest.raises(NoAnswer) as caught:
                SANDBOX.post(url, b"{}", {}, seconds=0.5)
            words.add(str(caught.value))
    assert len(words) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of payer.example with its key, in one file."""
    openssl, path = shutil.which("openssl"), tmp_path_factory.mktemp("tls") / "both.pem"
    if openssl is None:
        pytest.skip("openssl makes the certificate, and is not installed")
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=payer.example"
    names = ["-addext", "subjectAltName=DNS:payer.example", "-keyout", path, "-out", path.with_suffix(".crt")]
    subprocess.run([openssl, *made.split(), *names], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.mark.parametrize(
    ("host", "trusts", "cause"),
    [
        ("payer.example", True, None),
        ("other.example", True, "SSLCertVerificationError"),
        ("payer.example", False, "SSLCertVerificationError"),
    ],
    ids=["its own", "another name", "an unknown issuer"],
)
def test_the_certificate_is_held_against_the_name_not_the_address(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str, trusts: bool, cause: str | None
) -> None:
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate)
    ours = ssl.create_default_context(cafile=str(certificate) if trusts else None)
    with serving(answering(200, b"safe"), theirs) as url:
        port = url.rpartition(":")[2].partition("/")[0]
        resolved_to(monkeypatch, "127.0.0.1")
        outbound = Outbound(sandbox=True, context=ours)
        if cause is None:
            assert outbound.post(f"https://{host}:{port}/", b"{}", {}, seconds=5).body == b"safe"
        else:
            with pytest.raises(NoAnswer) as caught:
                outbound.post(f"https://{host}:{port}/", b"{}", {}, seconds=5)
            assert caught.value.cause == cause


WRITTEN = {
    "https://hooks.example.org/pas": True,
    "https://hooks.example.org:8443/pas": False,
    "http://hooks.example.org/pas": False,
    "https://93.184.216.34/": True,
    "https://[2606:2800:220:1:248:1893:25c8:1946]/": True,
    "https://127.0.0.1/": False,
    "https://127.1/": False,
    "https://2130706433/": False,
    "https://0x7f000001/": False,
    "https://[::1]/": False,
    "https://[::ffff:10.0.0.1]/": False,
    "https://[64:ff9b::a00:1]/": False,
    "https://10.0.0.1/": False,
    "https://169.254.169.254/": False,
    "https://0.0.0.0/": False,
    "https://members.payer.example:8443/": True,
}


@pytest.mark.parametrize(("url", "accepted"), WRITTEN.items())
def test_an_address_that_is_written_in_a_url_is_looked_at_at_once(url: str, accepted: bool) -> None:
    assert PRODUCTION.accepts(url) is accepted


@pytest.mark.parametrize("url", NEVER)
def test_what_is_never_called_is_not_accepted(url: str) -> None:
    assert not SANDBOX.accepts(url)


def test_no_name_server_is_asked_whether_a_url_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = socket.getaddrinfo, []

    def getaddrinfo(host: str, port: Any, *args: Any, flags: int = 0, **more: Any) -> Any:
        asked.append(flags)
        return real(host, port, *args, flags=flags, **more)

    monkeypatch.setattr("server.outbound.socket.getaddrinfo", getaddrinfo)
    assert PRODUCTION.accepts("https://hooks.example.org/")
    assert asked == [socket.AI_NUMERICHOST]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook", "http://localhost:9/hook"])
def test_a_sandbox_accepts_listeners_on_its_machine(url: str) -> None:
    assert SANDBOX.accepts(url)
