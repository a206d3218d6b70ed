std = "lua54"
max_line_length = 100
cache = false
-- 212/_, self: unused arguments named so; 213: unused loop variables; 581: `not (a <= b)` is meant,
-- it is true for NaN.
ignore = {"212/_.*", "212/self", "213", "581"}

-- Scripts that define a network run in a sandbox that hands them these.
files["models"] = {read_globals = {"nn", "mtl", "class", "braid"}}
files["spec"] = {std = "lua54+busted"}
files["spec/golden"] = {std = "lua54"}
files["lua/braid/cli/init.lua"] = {globals = {"arg"}}
files["lua/braid/repl/interrupts.lua"] = {globals = {"coroutine"}}
