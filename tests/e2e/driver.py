"""An open-loop client with its own eyes: it sends at a fixed rate whatever comes back, gives every order an id of its own, and keeps
each failure. A process of its own (`Driver`), so that the test's work does not disturb its clock.

A request is due at its time; a connection is taken from the pool or opened. One that the server has closed is not used. Nothing is
sent a second time: what fails, failed."""
import asyncio
import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

PREDICT = b'{"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}'


class Connection(asyncio.Protocol):
    def __init__(self, pool):
        self.pool, self.data, self.waiting, self.open, self.transport = pool, b"", None, True, None

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        self.open = False
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(ConnectionError(f"connection lost after {len(self.data)} bytes: {error}"))

    def eof_received(self):
        self.open = False

    def data_received(self, data):
        self.data += data
        end = self.data.find(b"\r\n\r\n")
        if end < 0 or not self.waiting or self.waiting.done():
            return
        head = self.data[:end].decode("latin1").split("\r\n")
        fields = {k.strip().lower(): v.strip() for k, v in (line.split(":", 1) for line in head[1:])}
        body = self.data[end + 4:]
        if fields.get("transfer-encoding") == "chunked":
            if not body.endswith(b"0\r\n\r\n"):
                return
        elif len(body) < int(fields.get("content-length", 0)):
            return
        if fields.get("connection", "").lower() == "close":
            self.open = False
        self.data = b""
        self.waiting.set_result((int(head[0].split(" ")[1]), fields, body))


class Run:
    def __init__(self, plan):
        self.plan, self.idle, self.serial = plan, collections.deque(), 0
        self.latencies, self.failures, self.versions, self.answered, self.lost = [], [], collections.Counter(), [], []
        self.stopping, self.inhand, self.failed, self.late, self.kinds = False, 0, 0, 0, collections.Counter()
        self.limit = asyncio.Semaphore(512)

    async def connection(self):
        while self.idle:
            c = self.idle.pop()
            if c.open and not c.transport.is_closing():
                return c
        _, c = await asyncio.get_running_loop().create_connection(lambda: Connection(self), "127.0.0.1", self.plan["port"])
        return c

    async def one(self, number, due):
        target = self.plan["targets"][number % len(self.plan["targets"])]
        order = target["kind"] == "order"
        name = f"{self.plan['run']}-{number}"
        path, body = (target["path"] + name + target.get("query", ""), b"") if order else (target["path"], PREDICT)
        if target["kind"] == "get":
            text = f"GET {path} HTTP/1.1\r\nHost: {target['host']}\r\n\r\n".encode()
        else:
            text = (f"POST {path} HTTP/1.1\r\nHost: {target['host']}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        try:
            async with self.limit:
                c = await self.connection()
                c.waiting = asyncio.get_running_loop().create_future()
                c.transport.write(text)
                status, fields, answer = await asyncio.wait_for(c.waiting, self.plan["timeout"])
                c.waiting = None
                if c.open:
                    self.idle.append(c)
                else:
                    c.transport.close()
            if status != 200 or (target.get("answers") and answer.decode() not in target["answers"]):
                raise ValueError(f"{status} {answer[:200]!r}")
            self.versions[target["host"] + " " + fields.get("x-version", answer.decode() if target.get("answers") else "")] += 1
            if order:
                self.answered.append(name)
        except (OSError, ValueError, asyncio.TimeoutError, ConnectionError) as e:
            self.failed += 1
            if order:
                self.lost.append(name)
            if len(self.failures) < 50:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {target['host']} {target['kind']} {name}: {type(e).__name__} {e}")
        self.latencies.append(time.perf_counter() - due)
        self.kinds[target["kind"]] += 1
        self.inhand -= 1

    async def run(self):
        loop = asyncio.get_running_loop()
        for s in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(s, lambda: setattr(self, "stopping", True))
        print("begun", flush=True)
        start, sample, seen = time.perf_counter(), time.perf_counter(), 0
        samples = open(self.plan["samples"], "w") if self.plan.get("samples") else None
        parent = os.getppid()
        while not self.stopping and os.getppid() == parent and (not self.plan["most"] or self.serial < self.plan["most"]):
            now = time.perf_counter()
            due = start + self.serial / self.plan["rate"]
            if due > now:
                await asyncio.sleep(due - now)
            self.inhand += 1
            asyncio.ensure_future(self.one(self.serial, max(due, start)))
            self.serial += 1
            if now - sample > 0.5 and samples:
                fresh = sorted(self.latencies[seen:])
                seen, sample = len(self.latencies), now
                pick = lambda q: fresh[min(len(fresh) - 1, int(q * len(fresh)))] * 1e3 if fresh else 0
                samples.write(json.dumps({"t": time.time(), "rate": self.plan["rate"], "p50": pick(.5), "p99": pick(.99), "inhand": self.inhand}) + "\n")
                samples.flush()
        deadline = time.perf_counter() + self.plan["timeout"] + 5
        while self.inhand and time.perf_counter() < deadline:
            await asyncio.sleep(0.01)
        s = sorted(self.latencies)
        pick = lambda q: round(s[min(len(s) - 1, int(q * len(s)))] * 1e3, 3) if s else 0
        return {"requests": self.serial, "failed": self.failed + self.inhand, "failures": self.failures, "versions": self.versions,
                "answered": self.answered, "unanswered": self.lost, "kinds": self.kinds,
                "ms": {"p50": pick(.5), "p99": pick(.99), "max": pick(1)}}


class Driver:
    """`targets`: {host, kind: predict | order | get, path, answers: texts that are right (any if absent)}, taken in turn."""

    def __init__(self, port, targets, rate, most=0, timeout=30, samples=None, folder="/tmp"):
        self.out = pathlib.Path(folder) / f"driver-{random.getrandbits(48):x}.json"
        plan = {"port": port, "targets": targets, "rate": rate, "most": most, "timeout": timeout, "run": f"{random.getrandbits(32):x}",
                "samples": str(samples) if samples else None, "out": str(self.out)}
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps(plan))
        self.process.stdin.close()
        assert self.process.stdout.readline() == "begun\n", "the client did not start"

    def wait(self, seconds=600):
        assert self.process.wait(seconds) == 0, "the client broke down"
        report = json.loads(self.out.read_text())
        self.out.unlink()
        return report

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait()


def doubled(log, report=None):
    """The ids that the backend wrote down more than once, and the answered ones that it never did."""
    counts = collections.Counter(pathlib.Path(log).read_text().split())
    return [k for k, n in counts.items() if n > 1], [k for k in (report or {}).get("answered", []) if k not in counts]


if __name__ == "__main__":
    plan = json.load(sys.stdin)

    async def main():
        return await Run(plan).run()

    report = asyncio.run(main())
    pathlib.Path(plan["out"]).write_text(json.dumps(report))
