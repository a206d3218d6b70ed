"""Clients that harm a server, or try to: serve_attacks.py NAME HOST PORT PICTURE [NUMBER [SEED]].

Each function below is one NAME; it exits with 0 and prints what it saw, or raises. Any Python 3
runs it.
"""

import random
import re
import socket
import sys
import threading
import time

HOST, PORT, PICTURE, NUMBER = "127.0.0.1", 0, b"", 0


def connect(timeout=30):
    s = socket.create_connection((HOST, PORT), timeout)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def request(body, kind="image/png", more="", path="/predict", method="POST"):
    head = "%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"
    return (head % (method, path, kind, len(body), more)).encode() + body


def answer_of(s):
    """The status, the head and the body of the next answer; (0, b"", b"") if there is none."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            more = s.recv(65536)
            if not more:
                return 0, data, b""
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            more = s.recv(65536)
            if not more:
                break
            body += more
        return int(head.split()[1]), head, body
    except (ConnectionError, socket.timeout):
        return 0, data, b""


def ask(body=None, kind="image/png"):
    with connect() as s:
        s.sendall(request(PICTURE if body is None else body, kind))
        return answer_of(s)


def alive():
    for _ in range(5):  # a machine with much to do may take longer than the server waits
        status, _, body = ask()
        if status == 200:
            return
    raise AssertionError((status, body))


def numbers_in(text):
    return [float(x) for x in re.findall(rb"[-+]?\d+\.\d+(?:e-?\d+)?", text)]


def near(a, b):
    x, y = numbers_in(a), numbers_in(b)
    return len(x) == len(y) and all(abs(p - q) <= 1e-4 * max(1, abs(p)) for p, q in zip(x, y))


def same():
    """Many clients at once get what a single client gets, to the bit if NUMBER is odd."""
    alone = ask()[2]
    fits = (lambda body: body == alone) if NUMBER % 2 else (lambda body: near(body, alone))
    found, wrong = [], []

    def client():
        with connect() as s:
            for _ in range(NUMBER):
                s.sendall(request(PICTURE))
                status, _, body = answer_of(s)
                (found if status == 200 and fits(body) else wrong).append((status, body))

    threads = [threading.Thread(target=client) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong, wrong[0]
    print(len(found), "the same")


def slow():
    """A header or body that never ends, and a silent connection, are answered 408."""
    pieces = [b"GET /health HTTP/1.1\r\nX: ", request(PICTURE)[:-10], b""]
    for piece in pieces:
        with connect() as s:
            s.sendall(piece)
            began = time.time()
            s.settimeout(0.2)
            data = b""
            while time.time() - began < 20:
                try:
                    more = s.recv(4096)
                    if not more:
                        break
                    data += more
                except socket.timeout:
                    if piece and piece != pieces[1]:
                        s.sendall(b"a")
                except ConnectionError:
                    break
            assert b" 408 " in data.split(b"\r\n")[0], (piece[:20], data)
            print("408 after %.1f s" % (time.time() - began))
    many = [connect() for _ in range(NUMBER)]
    for s in many:
        s.sendall(b"POST /predict HTTP/1.1\r\nContent-Le")
    alive()
    for s in many:
        s.close()


def rested():
    """A request gets its full time, also on a connection that was idle for NUMBER / 10 seconds."""
    with connect() as s:
        s.sendall(request(PICTURE))
        assert answer_of(s)[0] == 200
        time.sleep(NUMBER / 10)
        s.sendall(b"GET /health HTTP/1.1\r\n")
        time.sleep(0.4)
        s.sendall(b"Host: x\r\n\r\n")
        assert answer_of(s)[0] == 200


def flood():
    """NUMBER clients send small requests again and again, until the server closes."""
    clients = [connect() for _ in range(NUMBER)]
    print("begun", flush=True)
    end = time.time() + 3
    for s in clients:
        s.setblocking(False)
    while clients and time.time() < end:
        for s in list(clients):
            try:
                s.send(request(b"A"))
                if not s.recv(65536):
                    clients.remove(s)
            except BlockingIOError:
                pass
            except OSError:
                clients.remove(s)


def large():
    """A request of NUMBER megabytes is answered 503 where there is no memory for it."""
    with connect(60) as s:
        s.sendall(request(b"A" * (NUMBER << 20)))
        status, _, body = answer_of(s)
    print(status)
    alive()


def idle():
    """A connection that is idle after a request is closed without an answer."""
    with connect() as s:
        s.sendall(request(PICTURE))
        assert answer_of(s)[0] == 200
        assert s.recv(1000) == b""
    print("closed")


def halves():
    """Clients that go away in the middle of a request, or before its answer."""
    whole = request(PICTURE)
    for i in range(NUMBER):
        with connect() as s:
            s.sendall(whole[: (i * 37) % (len(whole) + 1)])
            if i % 3 == 0:
                s.shutdown(socket.SHUT_WR)
            if i % 3 == 1:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    alive()
    print(NUMBER, "halves")


def busy():
    """More requests than may wait: some are answered, the others get 429 with Retry-After."""
    seen = []
    gate = threading.Barrier(NUMBER)

    def client():
        with connect() as s:
            gate.wait()
            s.sendall(request(PICTURE))
            status, head, _ = answer_of(s)
            seen.append((status, b"\r\nRetry-After: 1" in head))

    threads = [threading.Thread(target=client) for _ in range(NUMBER)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(s == (200, False) or s == (429, True) for s in seen), seen
    print(sum(s[0] == 200 for s in seen), "answered,", sum(s[0] == 429 for s in seen), "refused")


def drained():
    """A request that is being sent when the server gets its signal is answered."""
    whole = request(PICTURE)
    with connect() as s, connect() as rests:
        rests.sendall(whole)
        assert answer_of(rests)[0] == 200
        s.sendall(whole[:-5])
        time.sleep(0.3)
        print("sending", flush=True)
        sys.stdin.readline()
        time.sleep(0.5)
        try:
            connect(2).close()
            raise AssertionError("a new connection after the signal")
        except ConnectionError:
            pass
        assert rests.recv(1000) == b""
        s.sendall(whole[-5:])
        status, head, _ = answer_of(s)
        assert status == 200 and b"\r\nConnection: close" in head, (status, head)
    print("answered")


CLIENTS = 16

WORDS = [b"GET", b"POST", b"HEAD", b"/predict", b"/card", b"/metrics", b"HTTP/1.1", b"HTTP/9.9",
         b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n",
         b"Connection: keep-alive\r\n", b"\r\n\r\n", b"\r\n", b"\0", b"%00%ff", b"..", b"\xff" * 9,
         b"-1", b"99999999999999999999", b"ffffffffffffffff\r\n", b"0\r\n\r\n", b"boundary=",
         b"multipart/form-data; boundary=x", b"application/json", b"{\"inputs\":", b"[[" * 60,
         b"1e999", b"null", b"\"/etc/passwd\"", b"A" * 5000]


def mutant(r, seeds):
    data = bytearray(r.choice(seeds))
    for _ in range(r.choice((1, 1, 2, 3, 8, 40))):
        at = r.randrange(len(data) + 1)
        kind = r.randrange(5)
        if kind == 0 and data:
            data[at % len(data)] = r.randrange(256)
        elif kind == 1:
            data[at:at] = r.choice(WORDS)
        elif kind == 2:
            del data[at:at + r.choice((1, 2, 10, 1000))]
        elif kind == 3 and data:
            data[at % len(data)] ^= 1 << r.randrange(8)
        else:
            other = r.choice(seeds)
            cut = r.randrange(len(other))
            data[at:at] = other[cut:cut + r.choice((1, 10, 100))]
    return bytes(data)


def resident():
    with connect() as s:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        body = answer_of(s)[2]
    for line in body.split(b"\n"):
        if line.startswith(b"braid_resident_bytes "):
            return float(line.split()[1])
    raise AssertionError(body)


def mutants():
    """NUMBER mutated requests. The server still answers, and its memory does not grow."""
    part = (b"--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a.png\"\r\n\r\n"
            + PICTURE + b"\r\n--x--\r\n")
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(PICTURE[i:i + 999]), PICTURE[i:i + 999])
                      for i in range(0, len(PICTURE), 999)) + b"0\r\n\r\n"
    seeds = [request(PICTURE), request(part, "multipart/form-data; boundary=x"),
             request(b"{\"inputs\":[[1,2],[3,4]]}", "application/json"),
             b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /card HTTP/1.1\r\nHost: x\r\n\r\n",
             b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks]
    seed = int(sys.argv[6]) if len(sys.argv) > 6 else 1
    seen, lock = {}, threading.Lock()

    def client(number, count):
        r = random.Random(seed * 1000 + number)
        for _ in range(count):
            with connect(30) as s:
                try:
                    s.sendall(mutant(r, seeds))
                    s.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                status = answer_of(s)[0]
            with lock:
                seen[status] = seen.get(status, 0) + 1

    def run(share, first):
        each = NUMBER * share // 100 // CLIENTS
        threads = [threading.Thread(target=client, args=(first + i, each))
                   for i in range(CLIENTS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        alive()
        return resident()

    at_first = run(20, 0)
    last = run(80, CLIENTS)
    assert last < at_first + (16 << 20), (at_first, last)
    print("%d mutants, answers %s; %.1f MB after a fifth, %.1f at the end" % (
        sum(seen.values()), sorted(seen.items()), at_first / 2**20, last / 2**20))


if __name__ == "__main__":
    name, HOST, PORT, path = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    NUMBER = int(sys.argv[5]) if len(sys.argv) > 5 else 0
    with open(path, "rb") as file:
        PICTURE = file.read()
    globals()[name]()
