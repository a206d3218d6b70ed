--- Attacks by hostile definitions of networks: {kind =, what =, text =, says =}. The text must fail
-- with an error that matches `says`. Without `says`, it must run and change nothing.
--
-- In the texts, evil() is the code that the attack wants to run (it sets the global EVIL if it
-- can), MARK is the path of a folder with planted modules, and BODY is a network that calls `now()`
-- while it is built and `later(self, x)` in its forward.

local M <const> = {}

local PRELUDE <const> = [[
local MARK = %q
local function evil(...) local _ = EVIL_HOOK return ... end
]]

-- A class of the definition, a network of a few layers of Braid.
local NET <const> = [[
local Net = class("Net", nn.Module)
function Net:init()
  self.layer = nn.Linear(2, 2)
  self.norm = nn.BatchNorm1d(2)
  self.list = nn.Sequential{nn.Linear(2, 2), nn.ReLU()}
end
function Net:forward(x) return self.list(self.norm(self.layer(x))) end
]]

-- The complete text of an attack.
function M.text(attack, mark)
  local body <const> = attack.text
  if body:find("^%-%-! whole") then return PRELUDE:format(mark) .. body end
  if attack.raw then return attack.raw end
  return PRELUDE:format(mark) .. NET .. "return function(tasks, o)\nlocal net = Net();\n" .. body
    .. "\nreturn net\nend"
end

local function add(kind, what, text, says)
  M[#M + 1] = {kind = kind, what = what, text = text, says = says}
end

-- An attack in the network's forward, after the network was made.
local function forward(kind, what, text, says)
  M[#M + 1] = {kind = kind, what = what .. ", in forward", later = true, says = says,
    text = "function Net.forward(self, x)\n" .. text .. "\nreturn self.layer(x) end"}
end

-- ---- look-ups -----------------------------------------------------------------------------

add("look-up", "a file of a folder by nn", "net.leak = nn.planted", "nn has no 'planted'")
add("look-up", "a file of a folder by mtl", "net.leak = mtl.planted", "mtl has no 'planted'")
add("look-up", "a file of a folder by F", "net.leak = braid.F.planted", "F has no 'planted'")
add("look-up", "a path", "net.leak = nn['../planted']", "nn has no")
add("look-up", "a dotted name", "net.leak = mtl['mixers.planted']", "mtl has no")
add("look-up", "a backbone by a path", "nn.backbone('../../planted')", "there is no backbone")
add("look-up", "a backbone of a file", "nn.backbone('planted')", "there is no backbone")
add("look-up", "a backbone by a table", "nn.backbone{name = '../planted'}", "there is no backbone")
for _, name in ipairs{"walk", "state", "hints", "fold", "summary", "initial", "Walk"} do
  add("look-up", "nn." .. name, ("net.leak = nn.%s"):format(name), "nn has no")
end
for _, name in ipairs{"build", "per_column", "optimizer_check", "flow", "stack", "early_stopping",
  "operations"} do
  add("look-up", "mtl." .. name, ("net.leak = mtl.%s"):format(name), "mtl has no")
end
add("look-up", "a definition by a path", "braid.model('../planted')",
  "takes another one by its name")
add("look-up", "a definition by a table", "braid.model({})", "takes another one by its name")
add("look-up", "a definition that is not there", "braid.model('planted')",
  "there is no definition")
add("look-up", "options of a definition", "braid.model('tcdcn', {tasks = tasks, path = 'x'})",
  "has no option 'path'")
for _, name in ipairs{"load", "save", "open", "io", "data", "train", "plot", "optim",
  "manual_seed", "set_threads", "scope", "detect_anomaly", "limits", "core", "profile"} do
  add("look-up", "braid." .. name, ("net.leak = braid.%s"):format(name), "braid has no")
end
for _, name in ipairs{"io", "os", "debug", "package", "require", "load", "loadstring", "loadfile",
  "dofile", "coroutine", "collectgarbage", "rawset", "rawget", "_G", "arg", "utf8"} do
  add("look-up", name, ("net.leak = %s"):format(name),
    "there is no '" .. name .. "' in a definition")
end

-- ---- shared tables ------------------------------------------------------------------------

for _, what in ipairs{"math.floor", "math.pi", "string.format", "string.gsub", "table.insert",
  "nn.Linear", "nn.evil", "nn.init.uniform", "nn.init.evil", "mtl.columns", "braid.F.relu",
  "braid.zeros", "braid.F"} do
  add("shared table", "writing " .. what, what .. " = evil", "a definition cannot change ")
end
for _, what in ipairs{"tasks.pose.weight = 99", "tasks.pose = nil", "tasks.pose.loss = evil",
  "tasks.loss = evil", "tasks.evil = tasks.pose", "tasks.names = {}", "tasks.pose.size = 1"} do
  add("shared table", "the user's tasks: " .. what, what, "only the user's script can change")
  forward("shared table", "the user's tasks: " .. what, "local tasks = self.tasks " .. what,
    "only the user's script can change")
  M[#M].text = M[#M].text .. "\nnet.tasks = tasks"
end
for _, what in ipairs{"tasks.names[1] = 'evil'", "tasks.pose.flip[1] = 9",
  "table.remove(tasks.names)",
  "table.insert(tasks.pose.flip, 1)", "table.sort(tasks.names, function(a, b) return a > b end)",
  "for name, task in tasks:each() do task.flip[1] = 7 end"} do
  add("shared table", "lists of the user's tasks: " .. what, what)
  forward("shared table", "lists of the user's tasks: " .. what,
    "local tasks = self.tasks " .. what)
  M[#M].text = M[#M].text .. "\nnet.tasks = tasks"
end
add("shared table", "the tasks' own init", "tasks.init(tasks, {pose = tasks.smile})",
  "only the user's script can change")
forward("shared table", "the tasks' own init, called last",
  "do return self.tasks.init(self.tasks, {pose = self.tasks.smile}) end",
    "only the user's script can change")
M[#M].text = M[#M].text .. "\nnet.tasks = tasks"
for _, what in ipairs{"nn.Linear.init(self.tasks.pose, 2, 2)",
  "nn.Sequential.init(self.tasks, {nn.ReLU()})",
  "mtl.columns.init(self.tasks, self.tasks, nn.backbone('tcdcn'))", "nn.Module.train(self.tasks)",
  "mtl.shared.init(self.tasks, self.tasks, self.layer, nn.ReLU)"} do
  forward("shared table", "the user's tasks as an object of another class: " .. what,
    "do return " .. what .. " end", "")
  M[#M].text = M[#M].text .. "\nnet.tasks = tasks"
end
forward("shared table", "lists of the user's tasks, kept by a method called last", [[
if not self.box then
  self.box = {}
  do
    return mtl.shared.init(self.box, self.tasks, self.layer, function() return nn.ReLU() end)
  end
end
self.box.names[1] = "evil"]], "?")
M[#M].text = M[#M].text .. "\nnet.tasks = tasks"
add("shared table", "the user's options", "o.inner[1] = 'evil' o.inner.evil = evil o.word = 'evil'")
add("shared table", "options of a mixer of the user's",
  "local r = o.mixer local _ = r.kind r.options.ratio = 99 table.insert(r.options, 1)")
add("shared table", "a mixer of the user's", "o.mixer.kind = 1",
  "only the user's script can change")
add("shared table", "the numbers of math.random", "for _ = 1, 10 do math.random() end")
add("shared table", "the seed of math.random", "math.randomseed(1)", "math has no 'randomseed'")

-- ---- metatables ---------------------------------------------------------------------------

for _, what in ipairs{"net.layer", "net", "net.norm", "net.list[1]", "nn.Linear", "nn.Module",
  "Net",
  "nn.ReLU()", "nn.backbone('tcdcn')", "mtl.columns", "mtl.cross_stitch{}", "tasks", "tasks.pose",
  "nn.backbone('tcdcn').plan"} do
  add("metatable", "__index of " .. what, ("local up = (%s).__index if up then up.forward = evil "
    .. "up.train = evil net.leak = up end"):format(what))
  add("metatable", "getmetatable of " .. what, ("local up = getmetatable(%s) if up then "
    .. "up.__index = evil up.forward = evil net.leak = up end"):format(what))
  add("metatable", "setmetatable of " .. what, ("setmetatable(%s, {__index = evil})"):format(what),
    "not the definition's own")
end
for _, what in ipairs{"nn.Linear", "nn.Module", "nn.Linear.base", "mtl.columns", "mtl.columns.base",
  "nn.ReLU", "nn.Sequential", "mtl.classes", "mtl.tasks"} do
  for _, key in ipairs{"forward", "init", "evil", "__call", "__tostring", "__gc", "__index",
    "training"} do
    add("metatable", ("writing %s.%s"):format(what, key), ("%s.%s = evil"):format(what, key),
      "stays as it is")
  end
end
for _, what in ipairs{"net.layer.buffer_names.weight = true", "net.norm.buffer_names.weight = true",
  "nn.Module.buffer_names.weight = true", "nn.BatchNorm1d.buffer_names.running_mean = nil",
  "net.norm.dims[7] = true"} do
  add("metatable", "constants of a class: " .. what, what, "can only be read")
end
add("metatable", "a constant of a class by table.insert", "table.insert(net.norm.dims, true)",
  "without a __len")
for _, what in ipairs{"nn.Linear.init(nn.Linear, 2, 2)", "nn.Module.train(nn.Module, false)",
  "nn.Module.eval(nn.Linear)", "nn.Module.freeze(nn.ReLU)",
    "nn.Sequential.init(nn.Linear, {nn.ReLU()})",
  "nn.Module.apply(nn.Module, function(m) m.training = evil end)",
  "net.layer.init(nn.Linear, 2, 2)", "net.layer.train(nn.Linear, false)"} do
  add("metatable", "a method called on a class: " .. what, what, "stays as it is")
end
add("metatable", "a method that writes its arguments into its object", [[
local columns = mtl.columns(tasks, nn.backbone("tcdcn", {width = 0.1}))
columns:mix("*", mtl.cross_stitch{}) columns:heads()
columns.mixer.conv1.alpha.init(nn.Linear, {"list"}, {list = evil})]], "")
add("metatable", "the string's", "local up = getmetatable('') if up then up.__index = evil end "
  .. "net.leak = ('x').__index")
add("metatable", "the string's functions", "('x').rep = evil", "")
add("metatable", "the environment's", "setmetatable(_ENV, {__index = evil})",
  "not the definition's own")
add("metatable", "a table's own, changed afterwards", [[
local mt = {__index = function() return 1 end}
net.box = setmetatable({}, mt)
mt.__gc, mt.__close, mt.__tostring, mt.__pairs, mt.__metatable = evil, evil, evil, evil, nn.Linear
setmetatable(net.box, mt)]], "no __gc")
add("metatable", "a table that says it is a module",
  "net.box = setmetatable({}, {is_module = true, __metatable = nn.Linear, __index = nn.Linear})")

-- ---- overriding ---------------------------------------------------------------------------

for _, name in ipairs{"state_dict", "load_state_dict", "parameters", "named_parameters", "buffers",
  "train", "eval", "freeze", "unfreeze", "clone", "to", "apply", "find", "summary",
    "own_parameters",
  "count_parameters", "is_training", "own_state", "set_inputs", "macs", "channels_after", "is",
  "parameter"} do
  add("overriding", name .. " in a class",
    ("function Net:%s() EVIL = true return evil() end"):format(name), "Braid's own")
  add("overriding", name .. " of an object", ("net.%s = evil"):format(name),
    name ~= "own_state" and name ~= "set_inputs" and "is a method of every Module" or nil)
  add("overriding", name .. " of a layer", ("net.layer.%s = evil"):format(name),
    (name ~= "own_state")
    and "is a method of every" or nil)
end
for _, name in ipairs{"__tostring", "__index", "__newindex", "__call", "__pairs", "__len", "__gc",
  "__close", "__mode", "__metatable", "__name", "__anything"} do
  add("overriding", name .. " in a class", ("Net.%s = evil"):format(name), "has no " .. name)
end
add("overriding", "a constant that methods trust",
  "Net.buffer_names = setmetatable({}, {__index = evil})", "must be a plain table")
add("overriding", "a constant that methods trust, in an object",
  "net.buffer_names = {layer = true}",
  "is a method of every")
add("overriding", "describe that does not end", "function Net:describe() while true do end end",
  "steps")
M[#M].user = "tostring"
add("overriding", "describe that gives no string", "function Net:describe() return {} end",
  "describe must return a string")
M[#M].user = "tostring"
add("overriding", "describe that is long and has control characters",
  "function Net:describe() return ('\27[2J\7'):rep(100000) end")
add("overriding", "describe that raises a table", "function Net:describe() error({}) end", "")
M[#M].user = "tostring"

-- ---- finalizers ---------------------------------------------------------------------------

for _, name in ipairs{"__gc", "__close", "__mode"} do
  add("finalizer", name .. " of a table", ("setmetatable({}, {%s = evil})"):format(name),
    "have no " .. name)
end
add("finalizer", "__close of a variable", "local mt = {} local t = setmetatable({}, mt) "
  .. "mt.__close = evil do local _ <close> = t end", "non%-closable value")
add("finalizer", "one added before a clone", [[
local mt = {is_module = true}
net.box = setmetatable({}, mt)
mt.__gc = function() EVIL = true end
local copy = net:clone()
copy = nil]])

-- ---- errors -------------------------------------------------------------------------------

add("error value", "that prints itself",
  "error(setmetatable({}, {__tostring = function() EVIL = true return 'x' end}))",
    "that is not a string, but a table")
add("error value", "a table", "error({})", "that is not a string, but a table")
add("error value", "a function", "error(evil)", "that is not a string, but a function")
add("error value", "nil", "error()", "that is not a string, but a nil")
add("error value", "by assert", "assert(false, {})", "that is not a string, but a table")
forward("error value", "that prints itself",
  "error(setmetatable({}, {__tostring = function() EVIL = true return 'x' end}))", "")
add("error value", "while options are read", [[
nn.Linear(2, 2, setmetatable({}, {__index = function() error({}) end,
  __pairs = function() error({}) end}))]], nil)
add("error value", "budget swallowed by pcall",
  "while true do pcall(function() while true do end end) end", "steps")
add("error value", "budget swallowed by a tree of pcalls",
  "local function f() pcall(f) pcall(f) end f()", "steps")
add("error value", "budget swallowed by xpcall",
  "while true do xpcall(function() while true do end end, function() while true do end end) end",
  "steps")
add("error value", "a handler that fails for ever",
  "local function h() xpcall(error, h) end h()", "calls")
add("error value", "budget swallowed by a metamethod", [[
local t = setmetatable({}, {__index = function(t, k)
  pcall(function() while true do end end)
  return t[k]
end})
local _ = t.x]], "steps")
add("error value", "budget swallowed by a comparison",
  "table.sort({3, 1, 2}, function() pcall(function() while true do end end) return false end)",
    "steps")

-- ---- strings, tables, memory --------------------------------------------------------------

add("string", "rep", "net.leak = ('x'):rep(1e9)", "more than a definition's strings")
add("string", "rep by the library", "net.leak = string.rep('x', 1 << 62)",
  "more than a definition's strings")
add("string", "a separator of rep", "net.leak = ('x'):rep(1000, ('y'):rep(1000000))",
  "more than a definition's")
add("string", "doubling", "local s = 'x' while true do s = s .. s end", "memory")
add("string", "a pattern that backtracks", "('x'):rep(30000):find(('x*'):rep(20) .. 'y')",
  "the pattern may take too long")
add("string", "match", "('a'):rep(100000):match('.-.-.-b')", "the pattern may take too long")
add("string", "gsub", "('a'):rep(100000):gsub('(a*)*.-b', '')", "the pattern may take too long")
add("string", "gmatch", "for _ in ('a'):rep(100000):gmatch('.-.-b') do end",
  "the pattern may take too long")
add("string", "optional letters", "('a'):rep(30):find(('a?'):rep(30) .. ('a'):rep(30))",
  "the pattern may take too long")
add("string", "balanced pairs", "('('):rep(100000):find('%b()%b()')",
  "the pattern may take too long")
add("string", "patterns in a loop", "while true do ('a'):rep(5000):find('.-b') end", "steps")
add("string", "dump", "net.leak = string.dump(evil)", "string has no 'dump'")
add("string", "dump, as a method", "net.leak = ('x').dump", "string has no 'dump'")
add("string", "format of an object",
  "('%s'):format(setmetatable({}, {__tostring = function() return {} end}))",
    "must return a string")
add("list", "concat of nothing", "table.concat({}, 'x', 1, 1 << 62)", "a range of more than")
add("list", "concat with an __index",
  "table.concat(setmetatable({}, {__index = function() return 'x' end}), " .. "'', 1, 999999)")
add("list", "move", "table.move({}, 1, 1 << 60, 2)", "a range of more than")
add("list", "unpack", "table.unpack({}, 1, 1e8 // 1 | 0)", "a range of more than")
add("list", "a length of its own",
  "table.insert(setmetatable({}, {__len = function() return 1 << 60 end}), 1, 1)",
  "without a __len")
add("list", "a comparison that does not end",
  "table.sort({1, 2, 3}, function() while true do end end)", "steps")
add("list", "a comparison without an order",
  "local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function() return true end)",
    "invalid order")
add("memory", "tables", "local t = {} for i = 1, 1e9 do t[i] = {} end", "memory")
add("memory", "tables, kept by pcall",
  "local t = {} while true do pcall(function() for i = 1, 1e9 do t[#t + 1] = {} end end) end",
  "memory")
add("memory", "a tensor", "net.leak = braid.zeros(1 << 34)", "")
add("memory", "a layer", "net.leak = nn.Linear(200000, 200000)", "tensors")
add("memory", "many tensors", "local t = {} for i = 1, 1e6 do t[i] = braid.zeros(1 << 20) end",
  "tensors")
add("steps", "a loop", "while true do end", "steps")
add("steps", "a loop in a head",
  "mtl.columns(tasks, nn.backbone('tcdcn')):heads(function() while true do end end)", "steps")
add("steps", "a loop of C", "while true do pcall(next, {}) end", "steps")
add("steps", "recursion", "local function f() return 1 + f() end f()", "")
add("steps", "recursion of metamethods",
  "local t = {} setmetatable(t, {__index = function(_, k) return t[k .. 'x'] end}) t.y = t.x",
  "")
add("steps", "goto", "::again:: goto again", "steps")
add("steps", "the library's loops", "while true do nn.ReLU() end", "")
add("steps", "printing", "while true do print(('x'):rep(1000)) end", "steps")

-- ---- functions of the library -------------------------------------------------------------

add("library function", "forward called on a plain table", "nn.Linear.forward({weight = 1}, 2)", "")
add("library function", "forward called on a string", "nn.Sequential.forward('x', 2)", "")
add("library function", "clone of a view", "net.leak = nn.Module.clone(nn)")
add("library function", "state_dict of a view", "net.leak = nn.Module.state_dict(nn)")
add("library function", "to of a table", "nn.Module.to({a = {b = 1}}, 'float64')")
add("library function", "a mode left on", "net.leak = braid.no_grad()", "takes the function to run")
add("library function", "values that iterators return", [[
for _, value in pairs(nn) do
  if type(value) == "table" then pcall(function() value.evil = evil end) end
end
for _, value in pairs(mtl) do
  if type(value) == "table" then pcall(function() value.evil = evil end) end
end
for _, value in pairs(braid) do
  if type(value) == "table" then pcall(function() value.evil = evil end) end
end]])
add("library function", "next called on a view",
  "net.leak = next(nn) or next(mtl) or next(nn.Linear) or nil")
add("library function", "every field of a network", [[
local function poke(t, depth)
  if type(t) ~= "table" or depth > 4 then return end
  for k, v in pairs(t) do poke(v, depth + 1) end
  pcall(function() t.forward = evil end)
  pcall(function() t.__index = evil end)
end
poke(mtl.columns(tasks, nn.backbone("tcdcn", {width = 0.1})):mix("*", mtl.ttc{}):heads(), 1)]])

add("library function", "buffer called on a class",
  "nn.Module.buffer(nn.Linear, 'x', braid.zeros(1))", "wants a module")
add("library function", "buffer called on the tasks",
  "nn.Module.buffer(tasks, 'x', braid.zeros(1))", "wants a module")
add("library function", "a network of the user's, given back", "net = o.other",
  "a network that it did not make")
add("library function", "a class of the user's", "o.own.forward = evil",
  "only the script can change it")
add("library function", "a class of the user's, by a method",
  "o.own.init(o.own) o.own.train(o.own)",
  "only the script can change it")
add("library function", "tables in place of a network's parts", [[
local columns = mtl.columns(tasks, nn.backbone("tcdcn", {width = 0.1}))
columns:heads()
local function endless() EVIL = true while true do end end
local fake = {is_stacked = endless, state_dict = endless, parts = endless, can_stack = endless}
columns.columns = fake
net.inner = columns]], "steps")
M[#M].user = "tostring"
add("library function", "a table in place of a stacked module", [[
local columns = mtl.columns(tasks, nn.backbone("tcdcn", {width = 0.1}))
columns:heads()
columns.columns.stacked = {state_dict = function() EVIL = true end}
columns.columns.stacked_names = {}
net.inner = columns]])
add("error value", "that is long and has control characters",
  "error('\27[2J' .. ('x'):rep(1000000), 0)", "^%?%[2Jx+$")

-- ---- texts, names -------------------------------------------------------------------------

add("name", "of a class with a path", "class('../evil', nn.Module)", "must be a word")
add("name", "of a class with control characters", "class('x\\27[2J', nn.Module)", "must be a word")
add("name", "of a class that is very long", "class(('x'):rep(100000), nn.Module)", "must be a word")
add("name", "of a class that is a table", "class({}, nn.Module)", "must be a word")
add("name", "of a base that is no class", "class('X', {forward = evil})", "not a class")
add("name", "of a base that is a view", "class('X', nn)", "not a class")
add("name", "of a block with a path", "nn.backbone({{'../evil', nn.ReLU()}})", "must be a word")
M[#M + 1] = {kind = "text", what = "bytecode", text = "",
  raw = string.dump(function() return 1 end),
  says = "attempt to load a binary chunk"}
M[#M + 1] = {kind = "text", what = "deep nesting", text = "", raw = "return " .. ("("):rep(100000)
  .. "1" .. (")"):rep(100000), says = ""}
M[#M + 1] = {kind = "text", what = "that gives no function", text = "", raw = "return 1",
  says = "not a function of the tasks"}
M[#M + 1] = {kind = "text", what = "that loops before it gives a function", text = "",
  raw = "while true do end", says = "steps"}
M[#M + 1] = {kind = "text", what = "that fails before it gives a function", text = "",
  raw = "error({})", says = "that is not a string, but a table"}

return M
