--- Reads a pickle, which is how Python writes objects, and runs nothing of it.
--
-- A pickle is a program for a machine with a stack and a memo (Python's Lib/pickletools.py). This
-- machine knows the opcodes of protocols 2 to 5 that make plain values. Each name of a function or
-- class of Python (a "global") stands for what the caller gives; any other name is refused.
--
-- None is M.none; bool, int, float, str and bytes are values of Lua. Other objects have a field
-- `kind`: "list" and "tuple" hold n values, "dict" has them by key in `of`.

local damage <const> = require "braid.io.damage"
local limits <const> = require "braid.limits"

local M <const> = {}

M.none = setmetatable({}, {__name = "None"})

local LONGEST_NAME <const>, fail <const> = 200, damage.fail

-- ---- the stack ------------------------------------------------------------------------------

local Machine <const> = {}
Machine.__index = Machine

-- Counts opcodes and copied values.
function Machine:count(n)
  self.counted = self.counted + n
  limits.bound("values", self.counted, "values in its pickle, or more")
end

function Machine:push(value)
  self.n = self.n + 1
  self.stack[self.n] = value
end

-- The values above a mark make the next collection. The values below it belong to an outer
-- collection, and must stay until then.
function Machine:top()
  if self.n <= (self.marks[#self.marks] or 0) then
    fail("its pickle takes a value at byte %d where there is none", self.at)
  end
  return self.stack[self.n]
end

function Machine:pop()
  local value <const> = self:top()
  self.stack[self.n] = nil
  self.n = self.n - 1
  return value
end

-- Takes the values above the last mark: a list, and how many there are.
function Machine:pop_marked()
  local mark <const> = table.remove(self.marks)
  if not mark then fail("its pickle has no mark at byte %d", self.at) end
  local n <const> = self.n - mark
  local values <const> = table.move(self.stack, mark + 1, self.n, 1, {})
  for i = self.n, mark + 1, -1 do self.stack[i] = nil end
  self.n = mark
  return values, n
end

function Machine:pop_kind(kind)
  local value <const> = self:pop()
  if type(value) ~= "table" or value.kind ~= kind then
    fail("its pickle wants a %s before byte %d", kind, self.at)
  end
  return value
end

-- ---- the text -------------------------------------------------------------------------------

-- Steps over n bytes, and returns where they begin.
function Machine:skip(n)
  local first <const> = self.at
  if n < 0 or n > #self.text - first + 1 then fail("its pickle ends too early") end
  self.at = first + n
  return first
end

function Machine:number(form)
  local size <const> = string.packsize(form)
  return (string.unpack(form, self.text, self:skip(size)))
end

function Machine:bytes(n)
  local first <const> = self:skip(n)
  return self.text:sub(first, first + n - 1)
end

function Machine:line()
  local last <const> = self.text:find("\n", self.at, true)
  if not last then fail("its pickle ends too early") end
  return self:bytes(last - self.at + 1):sub(1, -2)
end

-- ---- objects --------------------------------------------------------------------------------

function M.sequence(kind, values, n)
  values.kind, values.n = kind, n
  return values
end

local KEYS <const> = {string = true, number = true, boolean = true}

function M.set(dict, key, value)
  if not KEYS[type(key)] or key ~= key then
    fail("a dict has a key that is neither text nor a number (%s)",
      key == M.none and "None" or type(key) == "table" and key.kind or "NaN")
  end
  dict.of[key] = value
end

-- Adds keys and values that alternate in a list.
local function set_all(dict, values, n)
  if n % 2 ~= 0 then fail("a dict has a key without a value") end
  for i = 1, n, 2 do M.set(dict, values[i], values[i + 1]) end
  return dict
end

local function append(list, values, n)
  table.move(values, 1, n, list.n + 1, list)
  list.n = list.n + n
end

-- A whole number of n bytes with its sign.
local function whole(m, n)
  if n > 8 then fail("a whole number of %d bytes does not fit into 64 bits", n) end
  if n <= 0 then return m:skip(n) and 0 end
  return m:number("<i" .. n)
end

local function push_global(m, module, name)
  local full <const> = ("%s.%s"):format(module, name)
  if #full > LONGEST_NAME or full:find("[^%w_.]") then fail("a global has an impossible name") end
  local value <const> = m.globals[full]
  if value == nil then m.unknown(full) end
  m:push(type(value) == "function" and {kind = "global", name = full, call = value} or value)
end

local function text_of(m)
  local value <const> = m:pop()
  if type(value) ~= "string" then fail("its pickle has a global without a name") end
  return value
end

local function put(m, key) m.memo[key] = m:top() end

local function get(m, key)
  local value <const> = m.memo[key]
  if value == nil then fail("its pickle takes value %d, which it never kept", key) end
  m:push(value)
end

-- ---- opcodes --------------------------------------------------------------------------------

-- The opcodes of all kinds, by their bytes.
local OPCODES <const> = {}

local function add(opcodes)
  for byte, run in pairs(opcodes) do OPCODES[byte] = run end
end

-- The program, its stack and its memo.
add{
  ["\x80"] = function(m) -- PROTO
    local protocol <const> = m:number("B")
    if protocol < 2 or protocol > 5 then
      fail("its pickle has protocol %d, not 2 to 5", protocol)
    end
  end,
  ["\x95"] = function(m) -- FRAME: its bytes follow as they are
    local n <const> = m:number("<i8")
    if n < 0 or n > #m.text - m.at + 1 then fail("its pickle ends too early") end
  end,
  ["("] = function(m) m.marks[#m.marks + 1] = m.n end,
  ["0"] = function(m) m:pop() end,
  ["1"] = function(m) m:pop_marked() end,
  ["2"] = function(m) m:push(m:top()) end,
  h = function(m) get(m, m:number("B")) end,
  j = function(m) get(m, m:number("<I4")) end,
  q = function(m) put(m, m:number("B")) end,
  r = function(m) put(m, m:number("<I4")) end,
  ["\x94"] = function(m) -- MEMOIZE
    put(m, m.kept)
    m.kept = m.kept + 1
  end,
}

-- Values.
add{
  N = function(m) m:push(M.none) end,
  ["\x88"] = function(m) m:push(true) end,
  ["\x89"] = function(m) m:push(false) end,
  J = function(m) m:push(m:number("<i4")) end,
  K = function(m) m:push(m:number("B")) end,
  M = function(m) m:push(m:number("<I2")) end,
  ["\x8a"] = function(m) m:push(whole(m, m:number("B"))) end,
  ["\x8b"] = function(m) m:push(whole(m, m:number("<i4"))) end,
  G = function(m) m:push(m:number(">d")) end,
}

-- Collections.
add{
  [")"] = function(m) m:push(M.sequence("tuple", {}, 0)) end,
  t = function(m) m:push(M.sequence("tuple", m:pop_marked())) end,
  ["]"] = function(m) m:push(M.sequence("list", {}, 0)) end,
  l = function(m) m:push(M.sequence("list", m:pop_marked())) end,
  a = function(m)
    local value <const> = m:pop()
    local list <const> = m:pop_kind("list")
    append(list, {value}, 1)
    m:push(list)
  end,
  e = function(m)
    local values <const>, n <const> = m:pop_marked()
    local list <const> = m:pop_kind("list")
    append(list, values, n)
    m:push(list)
  end,
  ["}"] = function(m) m:push{kind = "dict", of = {}} end,
  d = function(m) m:push(set_all({kind = "dict", of = {}}, m:pop_marked())) end,
  s = function(m)
    local value <const>, key <const> = m:pop(), m:pop()
    m:push(set_all(m:pop_kind("dict"), {key, value}, 2))
  end,
  u = function(m)
    local values <const>, n <const> = m:pop_marked()
    m:push(set_all(m:pop_kind("dict"), values, n))
  end,
}

-- Functions and classes.
add{
  c = function(m)
    local module <const> = m:line()
    push_global(m, module, m:line())
  end,
  ["\x93"] = function(m) -- STACK_GLOBAL
    local name <const> = text_of(m)
    push_global(m, text_of(m), name)
  end,
  R = function(m) -- REDUCE
    local arguments <const> = m:pop_kind("tuple")
    m:push(m:pop_kind("global").call(arguments, m))
  end,
  b = function(m) -- BUILD: the attributes of an object are left out
    m:pop()
    m:push(m:pop_kind("dict"))
  end,
  Q = function(m) m:push(m.persistent(m:pop())) end,
}

for n = 1, 3 do
  OPCODES[string.char(0x84 + n)] = function(m)
    local values <const> = {}
    for i = n, 1, -1 do values[i] = m:pop() end
    m:push(M.sequence("tuple", values, n))
  end
end

-- Opcodes of texts and bytes, with the form of the number that gives their length.
for opcode, length in pairs{X = "<I4", ["\x8c"] = "B", ["\x8d"] = "<i8", B = "<I4", C = "B",
  ["\x8e"] = "<i8", ["\x96"] = "<i8", T = "<i4", U = "B"} do
  OPCODES[opcode] = function(m) m:push(m:bytes(m:number(length))) end
end

-- Opcodes of objects that are not plain values.
local REFUSED <const> = {["\x8f"] = "a set", ["\x91"] = "a frozenset",
  ["\x81"] = "an object of a class", ["\x92"] = "an object of a class",
  o = "an object of a class", i = "an object of a class", ["\x82"] = "an extension",
  ["\x83"] = "an extension", ["\x84"] = "an extension", ["\x97"] = "a buffer outside of it"}

-- ---- reading --------------------------------------------------------------------------------

--- The object in a pickle. A fault in the pickle is raised as damage.lua says.
-- @param text the pickle
-- @param globals values and functions by the names of globals, such as ["collections.OrderedDict"];
--   a function gets the tuple of arguments and the machine, tells machine:count(n) how many values
--   it copies, and returns the object
-- @param unknown unknown(name) raises the error about another global
-- @param persistent persistent(id) returns the object that is outside the pickle
function M.read(text, globals, unknown, persistent)
  local m <const> = setmetatable({text = text, at = 1, stack = {}, n = 0, marks = {}, memo = {},
    kept = 0, counted = 0, globals = globals, unknown = unknown, persistent = persistent}, Machine)
  while true do
    m:count(1)
    local opcode <const> = m:bytes(1)
    if opcode == "." then break end
    local run <const> = OPCODES[opcode]
    if not run then
      fail(REFUSED[opcode] and "its pickle has %s at byte %d" or
        "its pickle has an unknown opcode, %s, at byte %d",
        REFUSED[opcode] or ("%02X"):format(opcode:byte()), m.at - 1)
    end
    run(m)
  end
  return m:pop()
end

return M
