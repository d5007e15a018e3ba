"""The program that tests run in pods: a small HTTP/1.1 server in plain Python. What it does is told by its environment and by requests.

    /echo                what the server saw: method, target, headers, who answers (VERSION, POD), bytes of the body
    /slow?ms=N           the same after N ms
    /status?code=N       an answer with that status
    /flaky?fail=N&key=K  503 N times for the key K, then as /echo
    /big?bytes=N         N bytes
    /events              three server-sent events, 0.1 s apart
    /burn?ms=N           N ms of this process's CPU
    /file?path=P         the text of a file
    /order/ID            POST: appends ID to the file ORDERS, once for each time it is asked
    /v1/models/M:predict as /echo, for KServe's paths
    Upgrade: websocket   echoes messages

CRASH=1 ends it at once; ALWAYS_STATUS=N answers everything so; NEVER_READY=1 answers /ready with 503; START_MS delays the start."""
import asyncio
import base64
import hashlib
import json
import os
import struct
import sys
import time
import urllib.parse

ENV = os.environ
VERSION, POD = ENV.get("VERSION", "1"), ENV.get("HOSTNAME", "")
failures = {}
counts = {"requests": 0, "active": 0, "most": 0}
orders = os.open(ENV["ORDERS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666) if ENV.get("ORDERS") else -1


class Server(asyncio.Protocol):
    def __init__(self):
        self.data, self.busy, self.socket = b"", False, False

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data
        if self.socket:
            self.frames()
        elif not self.busy:
            self.next()

    def next(self):
        while not self.busy:
            end = self.data.find(b"\r\n\r\n")
            if end < 0:
                return
            lines = self.data[:end].decode("latin1").split("\r\n")
            headers = [tuple(x.strip() for x in line.split(":", 1)) for line in lines[1:]]
            fields = {k.lower(): v for k, v in headers}
            body, rest = self.data[end + 4:], b""
            if "transfer-encoding" in fields:
                done = dechunk(body)
                if done is None:
                    return
                body, rest = done
            else:
                size = int(fields.get("content-length", 0))
                if len(body) < size:
                    return
                body, rest = body[:size], body[size:]
            self.data = rest
            method, target, _ = lines[0].split(" ", 2)
            self.serve(method, target, headers, fields, body)

    def serve(self, method, target, headers, fields, body):
        url = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(url.query))
        counts["requests"] += 1
        counts["active"] += 1
        counts["most"] = max(counts["most"], counts["active"])
        say = lambda status=200: self.answer(status, json.dumps({
            "version": VERSION, "pod": POD, "method": method, "target": target, "headers": headers, "body": len(body),
            **counts, "env": ENV.get("SAY", "")}))
        if ENV.get("ALWAYS_STATUS"):
            say(int(ENV["ALWAYS_STATUS"]))
        elif fields.get("upgrade", "").lower() == "websocket":
            accept = base64.b64encode(hashlib.sha1((fields["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            self.socket = True
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        elif url.path == "/slow":
            self.later(float(query.get("ms", 100)) / 1e3, say)
        elif url.path == "/status":
            say(int(query["code"]))
        elif url.path == "/flaky":
            failures[query["key"]] = failures.get(query["key"], 0) + 1
            say(503 if failures[query["key"]] <= int(query["fail"]) else 200)
        elif url.path == "/big":
            self.answer(200, "x" * int(query["bytes"]))
        elif url.path == "/file":
            with open(query["path"], encoding="utf-8") as file:
                self.answer(200, file.read())
        elif url.path == "/events":
            self.busy = True
            asyncio.ensure_future(self.events())
        elif url.path == "/burn":
            until = time.process_time() + float(query.get("ms", 100)) / 1e3
            while time.process_time() < until:
                pass
            say()
        elif url.path.startswith("/order/"):
            os.write(orders, url.path[7:].encode() + b"\n")
            ms = float(query.get("ms", 0))
            if ms:
                self.later(ms / 1e3, lambda: self.answer(200, '{"ordered": true}'))
            else:
                self.answer(200, '{"ordered": true}')
        elif url.path == "/ready":
            say(503 if ENV.get("NEVER_READY") else 200)
        else:
            say()

    def later(self, seconds, what):
        self.busy = True

        def run():
            self.busy = False
            what()
            self.next()

        asyncio.get_running_loop().call_later(seconds, run)

    def answer(self, status, text):
        counts["active"] -= 1
        body = text.encode()
        self.transport.write(f"HTTP/1.1 {status} S\r\nContent-Type: application/json\r\nX-Version: {VERSION}\r\n"
                             f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def events(self):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(3):
            event = f"data: {i} {VERSION}\n\n".encode()
            self.transport.write(b"%x\r\n%s\r\n" % (len(event), event))
            await asyncio.sleep(0.1)
        self.transport.write(b"0\r\n\r\n")
        counts["active"] -= 1
        self.busy = False
        self.next()

    def frames(self):
        while len(self.data) >= 6:
            first, second = self.data[0], self.data[1]
            size, at = second & 127, 2
            if size == 126:
                size, at = struct.unpack(">H", self.data[2:4])[0], 4
            if len(self.data) < at + 4 + size:
                return
            mask, text = self.data[at:at + 4], self.data[at + 4:at + 4 + size]
            self.data = self.data[at + 4 + size:]
            text = bytes(b ^ mask[i % 4] for i, b in enumerate(text))
            head = bytes([first, size]) if size < 126 else bytes([first, 126]) + struct.pack(">H", size)
            self.transport.write(head + text)
            if first & 15 == 8:
                self.transport.close()


def dechunk(data):
    body, at = b"", 0
    while True:
        line = data.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(data[at:line].split(b";")[0], 16)
        if len(data) < line + 2 + size + 2:
            return None
        body, at = body + data[line + 2:line + 2 + size], line + 2 + size + 2
        if size == 0:
            return body, data[at:]


async def main():
    if ENV.get("CRASH"):
        sys.exit(f"cannot start: {ENV['CRASH']}")
    time.sleep(float(ENV.get("START_MS", 0)) / 1e3)
    loop = asyncio.get_running_loop()
    stop = loop.create_future()
    loop.add_signal_handler(15, stop.set_result, None)
    server = await loop.create_server(Server, ENV.get("POD_IP", "127.0.0.1"), int(ENV.get("PORT", 8080)), backlog=1024)
    print(f"program {VERSION} listens", flush=True)
    await stop
    server.close()
    while counts["active"]:  # what is in hand is finished
        await asyncio.sleep(0.01)


asyncio.run(main())
