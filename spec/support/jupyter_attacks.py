"""Hard cases for Braid's Jupyter kernel: long output, interrupts, crashes, odd bytes. Run it like
jupyter_features.py, whose first lines say how, with any Python that has jupyter_client.
"""

import sys
import threading
import time
import unittest
from queue import Empty

from jupyter_client.manager import start_new_kernel

TRAINING = """
tasks = mtl.tasks{glasses = mtl.classes{2}}
faces = data.faces{n = 400, size = 40}.train
net = braid.model("models/hard_sharing.lua", {tasks = tasks})
h = train.fit{net = net, tasks = tasks, train = faces, epochs = 2000, batch = 8}
h.interrupted"""


def is_running(process):
    try:
        with open("/proc/%d/stat" % process) as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Attacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = start_new_kernel(kernel_name="braid")

    @classmethod
    def tearDownClass(cls):
        cls.kc.stop_channels()
        cls.km.shutdown_kernel(now=True)

    def run_cell(self, code, timeout=30, then=None, client=None):
        """The reply, the printed text by stream, and the other messages."""
        client = client or self.kc
        number = client.execute(code)
        printed, others = {"stdout": "", "stderr": ""}, []
        ends = time.time() + timeout
        while True:
            try:
                message = client.get_iopub_msg(timeout=max(0.1, ends - time.time()))
            except Empty:
                self.fail("no end after %d s: %s" % (timeout, code[:60]))
            if message["parent_header"].get("msg_id") != number:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                printed[content["name"]] += content["text"]
            elif message["msg_type"] != "status":
                others.append(message)
            if content.get("execution_state") == "idle":
                break
            if then and message["msg_type"] in ("stream", "display_data"):
                then()
                then = None
        while True:
            reply = client.get_shell_msg(timeout=5)
            if reply["parent_header"].get("msg_id") == number:
                return reply["content"], printed, others

    def is_fine(self):
        reply, printed, _ = self.run_cell("print 'still there'")
        self.assertEqual("ok", reply["status"])
        self.assertEqual("still there\n", printed["stdout"])

    def interrupted(self, code):
        """Seconds from an interrupt, after the first print, to the end of a cell."""
        begun = []

        def interrupt():
            time.sleep(0.3)
            begun.append(time.time())
            self.km.interrupt_kernel()

        reply, printed, _ = self.run_cell(
            code, then=lambda: threading.Thread(target=interrupt).start())
        took = time.time() - begun[0]
        self.assertEqual("error", reply["status"])
        self.assertEqual("KeyboardInterrupt", reply["ename"])
        return took

    def test_ten_megabytes(self):
        _, printed, _ = self.run_cell("print((('x'):rep(99) .. '\\n'):rep(100000))")
        self.assertEqual(10000001, len(printed["stdout"]))
        _, printed, _ = self.run_cell("io.stderr:write((('ü'):rep(5000000)))")
        self.assertEqual("ü" * 5000000, printed["stderr"])
        reply, _, others = self.run_cell("('x'):rep(10000000)")
        self.assertLess(len(others[-1]["content"]["data"]["text/plain"]), 3000)
        self.is_fine()

    def test_interrupt(self):
        times = [self.interrupted(code) for code in (
            "print 'on' while true do end", "print 'on' local x = braid.rand(300, 300) while true do "
            "x = (x:mm(x)):tanh() end", "io.stdout:write 'part' coroutine.wrap(function() "
            "while true do end end)()")]
        print("seconds to an interrupt:", *["%.3f" % t for t in times])
        self.assertLess(max(times), 0.5, times)
        self.is_fine()

    def test_tight_print(self):
        took = self.interrupted("while true do print 'again and again' end")
        print("seconds to an interrupt of printing: %.3f" % took)
        self.assertLess(took, 10)
        self.is_fine()

    def test_interrupt_that_is_caught(self):
        code = "print 'on' while true do pcall(function() while true do end end) end"

        def twice():
            for _ in range(3):
                time.sleep(0.4)
                self.km.interrupt_kernel()

        reply, _, _ = self.run_cell(code, then=lambda: threading.Thread(target=twice).start())
        self.assertEqual("KeyboardInterrupt", reply["ename"])
        time.sleep(0.6)
        self.is_fine()

    def test_programs_are_interrupted(self):
        begun = time.time()
        self.run_cell("print 'on' os.execute 'sleep 20'", then=lambda: (
            time.sleep(0.3), self.km.interrupt_kernel()))
        self.assertLess(time.time() - begun, 5)
        self.is_fine()

    def test_ends(self):
        for code, how in (("os.exit(3)", "with status 3"), ("os.exit()", "with status 0"),
                          ("os.execute('kill -9 $PPID')", "by SIGKILL"),
                          ("os.execute('kill -SEGV $PPID')", "by SIGSEGV"),
                          ("local f = io.open('/proc/self/stat') print 'last words' "
                           "os.execute('kill -ABRT $PPID')", "by SIGABRT")):
            self.run_cell("kept = 1")
            reply, printed, _ = self.run_cell(code)
            self.assertEqual("Ended", reply["ename"], code)
            self.assertIn(how, reply["evalue"])
            self.assertEqual("last words" in code, "last words" in printed["stdout"])
            _, _, others = self.run_cell("kept")
            self.assertEqual("nil", others[-1]["content"]["data"]["text/plain"])
            self.is_fine()

    def test_bytes_that_are_no_text(self):
        reply, printed, _ = self.run_cell("io.write('a\\xffb\\n') io.write('\\xc3') io.flush() "
                                          "io.write('\\xbc\\0\\n')")
        self.assertEqual("a\ufffdb\nü\0\n", printed["stdout"])
        reply, _, others = self.run_cell("'\\xff\\xfe'")
        self.assertEqual('"\\xff\\xfe"', others[-1]["content"]["data"]["text/plain"])
        reply, _, _ = self.run_cell("error('bad \\xff')")
        self.assertIn("bad \ufffd", reply["evalue"])
        self.is_fine()

    def test_a_large_cell(self):
        reply, _, others = self.run_cell("x = 0\n" + "x = x + 1\n" * 100000 + "x")
        self.assertEqual("100000", others[-1]["content"]["data"]["text/plain"])
        reply, _, others = self.run_cell("#'%s'" % ("y" * 1000000))
        self.assertEqual("1000000", others[-1]["content"]["data"]["text/plain"])
        self.is_fine()

    def test_messages_that_are_printed(self):
        reply, printed, _ = self.run_cell(
            'for fd = 1, 2 do io.open("/proc/self/fd/" .. fd, "w"):write(\'{"op":"done","id":1}\\n\')'
            ':close() end')
        self.assertEqual("ok", reply["status"])
        self.assertIn('{"op":"done","id":1}', printed["stdout"] + printed["stderr"])
        self.is_fine()

    def test_output_of_a_background_process(self):
        self.run_cell("os.execute '(sleep 0.5; echo late) &'")
        message, ends = None, time.time() + 5
        while time.time() < ends and not (message and message["msg_type"] == "stream"):
            message = self.kc.get_iopub_msg(timeout=5)
        self.assertEqual("late\n", message["content"]["text"])

    def test_order(self):
        _, printed, others = self.run_cell("print 'a' show(braid.rand(4, 4)) print 'b'")
        self.assertEqual("a\nb\n", printed["stdout"])
        reply, _, others = self.run_cell("for i = 1, 50 do print(i) show(braid.rand(4, 4)) end")
        self.assertEqual(50, sum(m["msg_type"] == "display_data" for m in others))

    def test_two_kernels(self):
        km, kc = start_new_kernel(kernel_name="braid")
        try:
            self.run_cell("whose = 'first'")
            self.run_cell("whose = 'second'", client=kc)
            _, _, others = self.run_cell("whose")
            self.assertEqual('"first"', others[-1]["content"]["data"]["text/plain"])
            _, _, others = self.run_cell("whose", client=kc)
            self.assertEqual('"second"', others[-1]["content"]["data"]["text/plain"])
        finally:
            kc.stop_channels()
            km.shutdown_kernel(now=True)
        self.is_fine()

    def test_pause_and_resume(self):
        def interrupt():
            time.sleep(0.5)
            self.km.interrupt_kernel()

        reply, printed, others = self.run_cell(
            TRAINING, then=lambda: threading.Thread(target=interrupt).start())
        self.assertEqual("ok", reply["status"])
        self.assertIn("paused after step", printed["stdout"])
        _, _, others = self.run_cell("fit.at.step > 0")
        self.assertEqual("true", others[-1]["content"]["data"]["text/plain"])
        reply, printed, _ = self.run_cell(
            "resume()", then=lambda: threading.Thread(target=interrupt).start())
        self.assertIn("paused after step", printed["stdout"])
        _, _, others = self.run_cell("stop()")
        self.assertEqual('"SIGINT"', others[-1]["content"]["data"]["text/plain"])
        self.is_fine()

    def test_restart_in_training(self):
        self.kc.execute("print(io.open('/proc/self/stat'):read 'n')")
        message = {"msg_type": ""}
        while message["msg_type"] != "stream":
            message = self.kc.get_iopub_msg(timeout=5)
        process = int(message["content"]["text"])
        self.kc.get_shell_msg(timeout=5)
        self.kc.execute(TRAINING)
        time.sleep(1.5)
        begun = time.time()
        self.km.restart_kernel()
        self.kc.wait_for_ready(timeout=30)
        self.assertLess(time.time() - begun, 12)
        self.assertFalse(is_running(process))
        self.is_fine()

    def test_the_kernel_is_killed(self):
        for code in ("while true do end", "os.execute 'sleep 15'", TRAINING):
            km, kc = start_new_kernel(kernel_name="braid")
            _, printed, _ = self.run_cell("print(io.open('/proc/self/stat'):read 'n')", client=kc)
            process = int(printed["stdout"])
            kc.execute(code)
            time.sleep(0.7)
            kc.stop_channels()
            km.shutdown_kernel(now=True)
            ends = time.time() + 10
            while is_running(process) and time.time() < ends:
                time.sleep(0.1)
            self.assertFalse(is_running(process), code)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[1:])
