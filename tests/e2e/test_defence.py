"""The gateway under attack: floods, slow clients, heads that lie. Each is ended or refused, and a victim's requests go on unharmed."""
import resource
import socket
import threading

import attack
from attack import Client
from driver import Driver
from harness import Platform, wait_for
from serverless import answers, ksvc, prepare, ready

NS = "siege"
p = Platform()
prepare(p, NS)
p.apply(ksvc("victim"), NS)
ready(p, "ksvc/victim", NS)
HOST = f"victim.{NS}.example.com"
RAW = HOST.encode()
wait_for("the victim", lambda: answers(p, HOST, "1"))


def close():
    p.close()


def with_a_victim(what, rate=150):
    """Runs `what` while a victim asks; every one of its requests is answered."""
    load = Driver(p.port, [{"host": HOST, "kind": "get", "path": "/echo"}], rate, folder=p.data)
    try:
        return what()
    finally:
        report = load.stop()
        assert report["requests"] and not report["failed"], report["failures"][:5]


def ended(what):
    """The flood's connection is ended by the gateway."""
    done, code, sent = with_a_victim(what)
    assert done, f"not ended after {sent} frames"
    assert code in (None, 1, 11), f"GOAWAY with code {code}"  # PROTOCOL_ERROR or ENHANCE_YOUR_CALM, or a cut


def test_rapid_reset_is_ended():
    ended(lambda: attack.rapid_reset(p.port, RAW))


def test_a_continuation_flood_is_ended():
    ended(lambda: attack.continuation(p.port, RAW))


def test_empty_continuations_are_ended():
    ended(lambda: attack.empty_continuation(p.port, RAW))


def test_a_settings_flood_is_ended():
    ended(lambda: attack.settings(p.port))


def test_a_ping_flood_is_ended():
    ended(lambda: attack.pings(p.port))


def test_a_flood_of_empty_data_is_ended():
    ended(lambda: attack.empty_data(p.port, RAW))


def slowly(how, count, seconds):
    """`count` slow clients at once, while a victim asks; how long each was borne, None for those that still were at the end."""
    found = []

    def all_at_once():
        threads = [threading.Thread(target=lambda: found.append(how(p.port, RAW, seconds))) for _ in range(count)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    with_a_victim(all_at_once)
    return found


def test_slow_heads_are_cut():
    found = slowly(attack.slow_head, 100, 60)
    assert len(found) == 100 and None not in found, found


def test_slow_bodies_do_no_harm():
    slowly(attack.slow_body, 100, 5)
    assert answers(p, HOST, "1")


def test_two_thousand_idle_connections_leave_room_for_the_victim():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))

    def crowd():
        sockets = []
        try:
            for _ in range(2000):
                sockets.append(socket.create_connection(("127.0.0.1", p.port), 10))
            wait_for("the victim among the crowd", lambda: answers(p, HOST, "1"))
        finally:
            for s in sockets:
                s.close()

    with_a_victim(crowd)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def reply(request, seconds=5):
    client = Client(p.port)
    client.send(request)
    data, closed = client.rest(seconds)
    client.close()
    return data, closed


SMUGGLE = b"GET /admin HTTP/1.1\r\nHost: " + RAW + b"\r\n\r\n"
H = b"Host: " + RAW + b"\r\n"
# Two readers of these could see two different requests.
SMUGGLING = {
    "content-length and chunked": b"POST /echo HTTP/1.1\r\n" + H + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "two content-lengths": b"POST /echo HTTP/1.1\r\n" + H + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
    "a list of content-lengths": b"POST /echo HTTP/1.1\r\n" + H + b"Content-Length: 0, 5\r\n\r\nhello",
    "a sign in content-length": b"POST /echo HTTP/1.1\r\n" + H + b"Content-Length: +5\r\n\r\nhello",
    "hexadecimal content-length": b"POST /echo HTTP/1.1\r\n" + H + b"Content-Length: 0x5\r\n\r\nhello",
    "chunked not last": b"POST /echo HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "chunked in disguise": b"POST /echo HTTP/1.1\r\n" + H + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "chunked with a tab": b"POST /echo HTTP/1.1\r\n" + H + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "space before the colon": b"POST /echo HTTP/1.1\r\n" + H + b"Content-Length : 5\r\n\r\nhello",
    "a folded line": b"POST /echo HTTP/1.1\r\n" + H + b"X-A: b\r\n Content-Length: 5\r\n\r\n",
    "a bare line feed": b"GET /echo HTTP/1.1\n" + H + b"X: y\n\n",
    "a bare carriage return": b"GET /echo HTTP/1.1\r\n" + H + b"X: a\rContent-Length: 5\r\n\r\nhello",
    "a zero byte": b"GET /echo HTTP/1.1\r\n" + H + b"X: a\x00b\r\n\r\n",
    "two hosts": b"GET /echo HTTP/1.1\r\n" + H + b"Host: other.test\r\n\r\n",
    "no host": b"GET /echo HTTP/1.1\r\n\r\n",
    "a chunk's size with a sign": b"POST /echo HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
    "a chunk's size past 64 bits": b"POST /echo HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a chunk without its end": b"POST /echo HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
    "a space in the target": b"GET /echo a HTTP/1.1\r\n" + H + b"\r\n",
    "version 1.2 of nothing": b"GET /echo HTTQ/1.1\r\n" + H + b"\r\n",
    "chunked in HTTP/1.0": b"POST /echo HTTP/1.0\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
}


def test_smuggling_payloads_are_refused_and_the_connection_closed():
    wrong = []
    for name, request in SMUGGLING.items():
        data, closed = reply(request)
        status = data[9:12]
        if not closed or status not in (b"400", b"501", b"505", b"") or data.count(b"HTTP/1.1 ") > 1:
            wrong.append((name, closed, data[:60]))
    assert not wrong, wrong


def test_oversized_heads_are_refused():
    for name, request in {"one field": b"GET /echo HTTP/1.1\r\n" + H + b"X: " + b"a" * (1 << 20) + b"\r\n\r\n",
                          "many fields": b"GET /echo HTTP/1.1\r\n" + H + b"".join(b"X-%d: a\r\n" % i for i in range(50_000)) + b"\r\n",
                          "the target": b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n" + H + b"\r\n"}.items():
        data, closed = reply(request, 10)
        assert closed and data[9:12] in (b"431", b"414", b"400", b""), (name, closed, data[:80])


def test_header_bombs_by_hpack_are_refused():
    """One indexed field of 4,000 bytes, named 2,000 times by one byte: 8 MB of head in 6 KB."""
    client = Client(p.port, http2=True)
    field = b"\x40\x01x" + b"\x7f" + b"\xa1\x1e" + b"v" * 4000  # literal with indexing, value length 127 + 3873 by HPACK
    block = attack.head(RAW) + field + b"\xbe" * 2000
    client.send(attack.frame(attack.HEADERS, 5, 1, block))
    data, closed = client.rest(5)
    client.close()
    status = b"\x08\x03431" in data or b"431" in data
    reset = any(data[i + 3] == attack.RST for i in range(0, max(0, len(data) - 9)) if int.from_bytes(data[i:i + 3], "big") == 4)
    assert closed or reset or status, data[:200]
    wait_for("the victim", lambda: answers(p, HOST, "1"))


def test_after_all_of_it_the_victim_and_kubectl_are_answered():
    assert answers(p, HOST, "1")
    assert p.get("nodes")["items"]
