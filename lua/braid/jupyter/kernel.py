"""The Jupyter kernel of Braid: kernel.py BRAID -f CONNECTION_FILE

It runs one braid process (kernel.lua) and exchanges messages of JSON with it, one per line, over
two pipes of their own; channel.lua describes the messages. What the process and its children print
comes over the usual two pipes and goes to the page at once.
"""

import codecs
import json
import os
import queue
import selectors
import signal
import subprocess
import sys
import threading
import time

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

GATHER = 0.03  # seconds in which printed text is gathered to one message
MOST = 1 << 18  # bytes of one such message
START = 20  # seconds in which a new process says that it is ready
GRACE = 3  # seconds in which a process that is told to end may save its work

COMMAND = []  # braid, set by main()


class Ended(Exception):
    """The process is gone."""


class Stream:
    """One of the process's standard streams: publish(name, text) gets what comes."""

    def __init__(self, file, name, publish):
        self.file, self.name, self.publish = file, name, publish
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.held, self.since = bytearray(), 0.0
        os.set_blocking(file.fileno(), False)

    def read(self):
        """Takes what is there; returns False at the end."""
        try:
            data = os.read(self.file.fileno(), MOST)
        except BlockingIOError:
            return True
        if data and not self.held:
            self.since = time.monotonic()
        self.held += data
        if len(self.held) >= MOST:
            self.flush()
        return bool(data)

    def drain(self):
        """Takes and publishes all that was written until now."""
        while True:
            before = len(self.held)
            if not self.read() or len(self.held) == before:
                break
        self.flush()

    def is_due(self, now):
        return self.held and now - self.since >= GATHER

    def flush(self):
        text = self.decoder.decode(bytes(self.held))
        self.held.clear()
        if text:
            self.publish(self.name, text)


class Braid:
    """A braid process. show(message) gets what it wants shown, publish(name, text) its output."""

    def __init__(self, show, publish):
        requests, self.requests = os.pipe()
        self.answers, answers = os.pipe()
        command = COMMAND + ["-m", "braid.jupyter.kernel", str(requests), str(answers)]
        try:
            # A session of its own, so that an interrupt comes once, by interrupt(), and reaches
            # the programs that the process runs.
            self.process = subprocess.Popen(
                command + [str(os.getpid())], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, pass_fds=(requests, answers), start_new_session=True)
        except OSError:
            os.close(self.requests)
            os.close(self.answers)
            raise
        finally:
            os.close(requests)
            os.close(answers)
        self.show, self.lock, self.came = show, threading.Lock(), queue.Queue()
        self.number, self.busy, self.ready = 0, False, None
        self.streams = [Stream(self.process.stdout, "stdout", publish),
                        Stream(self.process.stderr, "stderr", publish)]
        threading.Thread(target=self.listen, daemon=True).start()
        try:
            self.ready = self.came.get(timeout=START)
        except queue.Empty:
            self.stop()

    # ---- the thread that listens ----

    def listen(self):
        """Passes on what comes, in the order in which the process sent it, until its end."""
        buffer = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self.answers, selectors.EVENT_READ)
            for stream in self.streams:
                selector.register(stream.file, selectors.EVENT_READ, stream)
            is_open = True
            while is_open:
                waits = any(stream.held for stream in self.streams)
                for key, _ in selector.select(GATHER if waits else None):
                    if key.data is None:
                        is_open = self.take(buffer)
                    elif not key.data.read():
                        selector.unregister(key.fileobj)
                now = time.monotonic()
                for stream in self.streams:
                    if stream.is_due(now):
                        stream.flush()
        for stream in self.streams:
            stream.drain()
        self.came.put(None)

    def take(self, buffer):
        """Handles the messages that are there; returns False at the end."""
        data = os.read(self.answers, 1 << 20)
        start = len(buffer)
        buffer += data
        end = buffer.rfind(b"\n", start)
        if end < 0:
            return bool(data)
        for stream in self.streams:  # printed before the messages were sent
            stream.drain()
        lines = bytes(buffer[:end]).split(b"\n")
        del buffer[:end + 1]
        for line in lines:
            message = json.loads(line.decode("utf-8", "replace"))
            if message["op"] in ("ready", "done"):
                self.came.put(message)
            else:
                self.show(message)
                self.send({"op": "shown"})
        return bool(data)

    # ---- requests ----

    def send(self, message):
        data = json.dumps(message).encode() + b"\n"
        with self.lock:
            try:
                while data:
                    data = data[os.write(self.requests, data):]
            except OSError:  # it is gone, and listen() says so
                pass

    def ask(self, message):
        """Sends a request and waits for its answer; raises Ended if the process is gone."""
        if self.ready is None:
            raise Ended
        self.number += 1
        message["id"] = self.number
        self.busy = True
        try:
            self.send(message)
            while True:
                answer = self.came.get()
                if answer is None:
                    self.ready = None
                    raise Ended
                if answer.get("id") == self.number:
                    return answer
        finally:
            self.busy = False

    def interrupt(self):
        if self.busy:
            self.signal(signal.SIGINT)

    # ---- the end ----

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def stop(self):
        """Ends the process and what it started; it may save a run first."""
        try:
            self.process.terminate()
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            pass
        self.signal(signal.SIGKILL)
        self.process.wait()

    def said(self):
        """How the process ended, in words."""
        try:
            code = self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.stop()
            code = self.process.returncode
        self.signal(signal.SIGKILL)
        if code < 0:
            return "by " + signal.Signals(-code).name
        return "with status %d" % code


class BraidKernel(Kernel):
    implementation = "braid"
    implementation_version = "?"
    language_info = {"name": "lua", "version": "5.4", "mimetype": "text/x-lua",
                     "file_extension": ".lua", "pygments_lexer": "lua", "codemirror_mode": "lua"}
    banner = "Braid"

    braid = None
    parent = {}
    silent = False
    closing = False

    # ---- the process ----

    def start(self):
        super().start()
        signal.signal(signal.SIGINT, lambda *_: self.braid and self.braid.interrupt())
        self.begin()

    # The base class would let an interrupt end the wait for an answer.
    def pre_handler_hook(self):
        pass

    def post_handler_hook(self):
        pass

    def begin(self):
        """Starts a process, and takes over its version and its greeting."""
        try:
            self.braid = Braid(self.show, self.print)
        except OSError as error:
            self.braid = None
            self.print("stderr", "%s: %s\n" % (" ".join(COMMAND), error.strerror))
            return
        said = self.braid.ready
        if said:
            self.implementation_version = said["version"]
            self.language_info = dict(self.language_info, version=said["lua"])
            self.banner = said["greeting"]

    def ask(self, message):
        if self.braid is None or self.braid.ready is None:
            self.begin()
        if self.braid is None:
            raise Ended
        return self.braid.ask(message)

    def ended(self):
        """Says how the process ended, and starts another."""
        how = self.braid.said() if self.braid else "before it began"
        text = "braid ended %s: its variables are gone" % how
        if not self.closing:
            self.begin()
            if self.braid and self.braid.ready:
                text += "; a new one is there"
        return {"name": "Ended", "value": text, "lines": [text]}

    # ---- the page ----

    def publish(self, kind, content):
        self.session.send(self.iopub_socket, kind, content, parent=self.parent,
                          ident=self._topic(kind))

    def print(self, name, text):
        self.publish("stream", {"name": name, "text": text})

    def show(self, message):
        """Shows what the process wants shown."""
        if self.silent:
            return
        content = {"data": message.get("data"), "metadata": message.get("metadata") or {}}
        if message["op"] == "clear":
            self.publish("clear_output", {"wait": message["wait"]})
        elif message["op"] == "result":
            self.publish("execute_result", dict(content, execution_count=self.execution_count))
        else:
            name = message.get("display")
            content["transient"] = {"display_id": name} if name else {}
            self.publish("update_display_data" if message.get("update") else "display_data",
                         content)

    # ---- requests ----

    async def do_execute(self, code, silent, store_history=True, user_expressions=None,
                         allow_stdin=False, **_):
        self.parent, self.silent = self.get_parent("shell"), silent
        try:
            done = self.ask({"op": "execute", "code": code, "count": max(1, self.execution_count),
                             "store": store_history and not silent,
                             "expressions": user_expressions or {}})
        except Ended:
            done = {"failed": self.ended()}
        failed = done.get("failed")
        if failed:
            content = error_of(failed)
            if not silent:
                self.publish("error", content)
            return dict(content, status="error", execution_count=self.execution_count)
        payload = []
        if done.get("page"):
            payload.append({"source": "page", "data": {"text/plain": done["page"]}, "start": 0})
        if done.get("over"):
            payload.append({"source": "ask_exit", "keepkernel": False})
        return {"status": "ok", "execution_count": self.execution_count, "payload": payload,
                "user_expressions": {name: value_of(value)
                                     for name, value in (done.get("values") or {}).items()}}

    def asked(self, message):
        """The answer to a question about code; an empty one if there is none."""
        try:
            return self.ask(message)
        except Ended:
            return {}

    async def do_complete(self, code, cursor_pos):
        answer = self.asked({"op": "complete", "code": code, "at": place_of(code, cursor_pos)})
        texts, said = answer.get("texts") or [], answer.get("said") or []
        start = cursor_of(code, answer["from"]) if "from" in answer else cursor_pos
        types = [{"start": start, "end": cursor_pos, "text": text, "type": kind.split(" ")[0],
                  "signature": kind} for text, kind in zip(texts, said)]
        return {"status": "ok", "matches": list(texts), "cursor_start": start,
                "cursor_end": cursor_pos, "metadata": {"_jupyter_types_experimental": types}}

    async def do_inspect(self, code, cursor_pos, detail_level=0, omit_sections=()):
        answer = self.asked({"op": "inspect", "code": code, "at": place_of(code, cursor_pos),
                             "detail": detail_level})
        text = answer.get("text")
        return {"status": "ok", "found": bool(text), "metadata": {},
                "data": {"text/plain": text} if text else {}}

    async def do_is_complete(self, code):
        answer = self.asked({"op": "is_complete", "code": code})
        return {"status": answer.get("status", "unknown"), "indent": answer.get("indent", "")}

    async def do_history(self, hist_access_type, output, raw, session=None, start=None, stop=None,
                         n=None, pattern=None, unique=False):
        limits = {"session": session, "start": start, "stop": stop, "n": n, "pattern": pattern}
        given = {name: value for name, value in limits.items() if value is not None}
        answer = self.asked({"op": "history", "access": hist_access_type, "output": bool(output),
                             "unique": bool(unique), **given})
        return {"status": "ok", "history": [tuple(row) for row in answer.get("rows") or []]}

    async def do_shutdown(self, restart):
        self.closing = True
        if self.braid:
            self.braid.stop()
        return {"status": "ok", "restart": restart}


def error_of(failed):
    return {"ename": failed["name"], "evalue": failed["value"],
            "traceback": list(failed.get("lines") or [])}


def value_of(value):
    if "error" in value:
        return dict(error_of(value["error"]), status="error")
    return {"status": "ok", "data": {"text/plain": value["text"]}, "metadata": {}}


def place_of(code, cursor):
    """The byte, from 1, of a cursor that counts characters."""
    return len(code[:cursor].encode("utf-8", "surrogatepass")) + 1


def cursor_of(code, place):
    """The cursor of a byte from 1."""
    return len(code.encode("utf-8", "surrogatepass")[:place - 1].decode("utf-8", "replace"))


def main():
    COMMAND.append(sys.argv.pop(1))
    IPKernelApp.launch_instance(kernel_class=BraidKernel)


if __name__ == "__main__":
    main()
