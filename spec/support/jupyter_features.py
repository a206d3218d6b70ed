"""Tests Braid's Jupyter kernel with jupyter_kernel_test, which wants samples for each feature:

    JUPYTER_PATH=PREFIX/share/jupyter python spec/support/jupyter_features.py

after braid jupyter install --prefix PREFIX. The Python here needs jupyter_kernel_test; the kernel
runs in the Python that was installed with it.
"""

import unittest

import jupyter_kernel_test


class BraidKernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = "braid"
    language_name = "lua"
    file_extension = ".lua"

    code_hello_world = "print('hello, world')"
    code_stderr = "io.stderr:write('to the other stream')"

    completion_samples = [
        {"text": "nn.Conv2", "matches": {"Conv2d"}},
        {"text": "nn.Conv2d(3, 8, {ker", "matches": {"kernel = "}},
        {"text": "local kürzer = braid.ones", "matches": {"ones", "ones_like"}},
    ]

    complete_code_samples = ["x = 1", "return 3", "for i = 1, 2 do print(i) end", "conv2d?", ""]
    incomplete_code_samples = ["for i = 1, 2 do", "f(1,", "x = [[two\nlines", "if x then\n  y = 1"]
    invalid_code_samples = ["x = = 1", "end", "for i = 1 do end"]

    code_page_something = "conv2d?"
    code_inspect_sample = "nn.Conv2d"
    code_generate_error = "error('wanted')"
    code_clear_output = "clear_output()"

    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "braid.ones(2)", "result": "tensor {2} float32\n[1., 1.]"},
        {"code": "braid.ones(2, 2)", "mime": "text/html"},
        {"code": "nn.Linear(2, 3)", "mime": "text/html"},
        {"code": "plot.lines{3, 1, 2}", "mime": "image/svg+xml"},
        {"code": "plot.lines{3, 1, 2.5}", "mime": "image/png"},
    ]
    code_display_data = [
        {"code": "show(braid.rand(3, 8, 8))", "mime": "image/png"},
        {"code": "show(braid.rand(4, 3, 8, 8))", "mime": "image/png"},
        {"code": "show(plot.bars{a = 1, b = 2})", "mime": "image/svg+xml"},
        {"code": "show(plot.bars{a = 1, b = 3})", "mime": "image/png"},
        {"code": "show{ {name = 'a', value = 1}, {name = 'b', value = 2} }", "mime": "text/html"},
    ]

    code_history_pattern = "6*7"
    supported_history_operations = ("tail", "range", "search")

    def test_silent_and_expressions(self):
        reply, messages = self.execute_helper("x = 5 print(x) 7", silent=True)
        self.assertEqual([], [m for m in messages if m["msg_type"] == "execute_result"])
        self.flush_channels()
        self.kc.execute("y = 6", user_expressions={"twice": "2 * y", "wrong": "y.z.w"})
        values = self.get_non_kernel_info_reply()["content"]["user_expressions"]
        self.assertEqual("12", values["twice"]["data"]["text/plain"])
        self.assertEqual("error", values["wrong"]["status"])


if __name__ == "__main__":
    unittest.main()
