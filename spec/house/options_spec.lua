--- Tests that every declared option of every function refuses values outside its range and kind.
-- The message must name function, option, value and range, at the caller's line.

local braid <const> = require "braid"
local check <const> = require "braid.check"

-- Loads all of Braid's modules, so that all declarations are known.
local files <const> = io.popen("find lua/braid -name '*.lua' | sort")
for path in files:lines() do
  local name <const> = path:match("^lua/(.*)%.lua$"):gsub("/init$", ""):gsub("/", ".")
  if not name:find("braid.cli", 1, true) then require(name) end
end
files:close()

local option_rows <const> = require "spec.support.option_rows"
local rows <const> = option_rows.rows
local HERE <const> = "%./spec/support/option_rows[%w_]*%.lua"

-- ---- values that are wrong --------------------------------------------------------------

local NAN <const>, INF <const> = 0 / 0, math.huge
local function strange() return {"0.1", {}, true, braid.ones(2), print, coroutine.create(print)} end

local WRONG <const> = {}

-- The values of `strange` without the values of one of Lua's types.
local function without(name)
  local list <const> = {}
  for _, v in ipairs(strange()) do
    if type(v) ~= name then list[#list + 1] = v end
  end
  return list
end

local function with(list, ...) return table.move({...}, 1, select("#", ...), #list + 1, list) end

local function outside(k, list, step)
  if k.from then list[#list + 1] = k.from - step(k.from) end
  if k.to then list[#list + 1] = k.to + step(k.to) end
  if k.above then list[#list + 1] = k.above end
  if k.below then list[#list + 1] = k.below end
  return list
end

function WRONG.number(k)
  local list <const> = strange()
  if not k.nan then with(list, NAN, -NAN) end
  if not k.infinite then with(list, INF, -INF) end
  return outside(k, list, function(v) return math.max(math.abs(v), 1e-12) * 1e-9 end)
end

function WRONG.whole(k)
  return outside(k, with(strange(), NAN, INF, -INF, 1.5, 2.0), function() return 1 end)
end

function WRONG.flag() return with(without("boolean"), 0, 1, NAN) end
function WRONG.choice() return with(strange(), "no such", 7.5, NAN) end
function WRONG.text() return with(without("string"), 1, NAN) end
function WRONG.call() return with(without("function"), 1, NAN) end
function WRONG.tensor() return {"x", {}, true, print, 1} end
function WRONG.dimension() return with(strange(), 0, 1.5, NAN) end
function WRONG.kind() return {coroutine.create(print)} end
function WRONG.any() return {} end

local function wrong_values(k) return WRONG[k.sort](k) end

-- A value that the kind accepts.
local function right(k)
  if k.default ~= nil then return k.default end
  local values <const> = {number = 1, whole = 1, flag = true, text = "x", call = print,
    choice = k.values and k.values[1], any = 1, dimension = 1, tensor = braid.ones(2), pair = 1}
  local v = values[k.sort]
  if k.sort == "number" or k.sort == "whole" then v = k.from or k.to or v end
  return v
end

function WRONG.list(k)
  local list <const> = {"x", true, print, 1, {x = 1}}
  local n <const> = k.n or math.max(k.least, 1)
  local function filled(count, value)
    local entries <const> = {}
    for i = 1, count do entries[i] = i == count and value or right(k.of) end
    return entries
  end
  if k.n then with(list, filled(n + 1, right(k.of))) end
  if n > 1 then with(list, filled(n - 1, right(k.of))) end
  for _, v in ipairs(wrong_values(k.of)) do with(list, filled(n, v)) end
  return list
end

function WRONG.map(k)
  local list <const> = {"x", true, 1, {1}, {[true] = 1}}
  for _, v in ipairs(wrong_values(k.of)) do with(list, {a = v}) end
  return list
end

function WRONG.pair(k)
  local one <const>, list <const> = right(k.of), {}
  for _, v in ipairs(wrong_values(k.of)) do with(list, v, {one, v}, {v, one}) end
  return with(list, {one, one, one}, {one}, {one, one, x = 1})
end

-- Values that all of the kinds refuse.
function WRONG.either(k)
  local count <const>, list <const> = {}, {}
  for _, each in ipairs(k.kinds) do
    for _, v in ipairs(wrong_values(each)) do
      local text <const> = check.shown(v)
      count[text] = (count[text] or 0) + 1
      if count[text] == #k.kinds then with(list, v) end
    end
  end
  return list
end

-- ---- calls ------------------------------------------------------------------------------

-- Calls the row's function with its arguments and options, and with the option `key` = `value`.
local function call(row, k, key, value)
  local arguments <const>, options <const> = {}, {}
  for name, v in pairs(row.arguments or {}) do arguments[name] = v end
  for name, v in pairs(row.options or {}) do options[name] = v end
  if key ~= nil then (k and k.positional and arguments or options)[key] = value end
  return pcall(row.call, arguments, options)
end

local function starts(text, beginning)
  assert(text:sub(1, #beginning) == beginning,
    ("%q does not begin with %q"):format(text, beginning))
end

-- Asserts that the call raises an error with this message at the caller's line.
local function refused(row, k, key, value, expected)
  local ok <const>, message <const> = call(row, k, key, value)
  local shown <const> = ("%s = %s"):format(key, check.shown(value))
  assert(not ok, shown .. " is accepted")
  assert(type(message) == "string", shown)
  local place <const>, rest <const> = message:match("^(%S-):%d+: (.*)$")
  assert(place:find("^" .. HERE .. "$"),
    ("%s: the place is not the caller's: %s"):format(shown, message))
  starts(rest, expected)
end

local function names_of(t)
  local names <const> = {}
  for name in pairs(t) do names[#names + 1] = tostring(name) end
  table.sort(names)
  return names
end

-- Whether a call went well, or failed only because something other than an option is missing.
local function good(row, ok, message)
  return ok or row.elsewhere and not message:find("must be", 1, true)
end

describe("options in the sources", function()
  -- Calls f(path, text without comments, report) for every file of Braid.
  local function each(f)
    local found <const> = {}
    for path in io.popen("find lua/braid -name '*.lua' | sort"):lines() do
      local text <const> = io.open(path):read("a"):gsub("%-%-[^\n]*", "")
      f(path, text, function(...) found[#found + 1] = path .. ": " .. string.format(...) end)
    end
    assert.same({}, found)
  end

  it("are declared with check, not in a table of defaults", function()
    each(function(path, text, report)
      for first in text:gmatch("check%.options%(([^,)]+)") do
        if first:find("[\"'{]") then report("check.options(%s", first) end
      end
      for name in text:gmatch("local ([%u_]*DEFAULTS?) <const> = {") do report("%s", name) end
      for name, what in text:gmatch("local ([%u_]*OPTIONS) <const> = ([^\n]*)") do
        if what:sub(1, 1) == "{" and path ~= "lua/braid/model/init.lua" then report("%s", name) end
      end
    end)
  end)

  -- Inside readers and definitions, errors are tables, or go to the code that caught the first
  -- error.
  it("and arguments raise errors by check.fail, which finds the user's line", function()
    each(function(_, text, report)
      for raised in text:gmatch("%f[%w_.]error(%b())") do
        if raised:find(",%s*[1-9]%)$") then report("error%s", raised:sub(1, 60)) end
      end
    end)
  end)
end)

describe("declared options", function()
  teardown(option_rows.remove_files)

  it("have one row each in spec.support.option_rows, and there are no other rows", function()
    local missing <const>, other <const> = {}, {}
    for name in pairs(check.declared) do
      if rows[name] == nil then missing[#missing + 1] = name end
    end
    for name in pairs(rows) do
      if not check.declared[name] then other[#other + 1] = name end
    end
    table.sort(missing)
    table.sort(other)
    assert.same({missing = {}, other = {}}, {missing = missing, other = other})
  end)

  for _, name in ipairs(names_of(check.declared)) do
    local declared <const>, row <const> = check.declared[name], rows[name]
    if row then
      local what <const> = row.what or name

      it("of " .. name .. " have defaults that work", function()
        local ok <const>, message <const> = call(row)
        assert(good(row, ok, message), message)
      end)

      it("of " .. name .. " refuse values outside their range or kind", function()
        for key, k in pairs(declared.kinds) do
          for _, value in ipairs((row.skip or {})[key] and {} or wrong_values(k)) do
            refused(row, k, key, value, ("%s: %s must be "):format(what, k.name or key))
          end
        end
      end)

      it("of " .. name .. " accept the ends of their ranges", function()
        for key, k in pairs(declared.kinds) do
          for _, value in ipairs{k.from or false, k.to or false} do
            if value and not (row.refused_ends or {})[key] then
              local ok <const>, message <const> = call(row, k, key, value)
              assert(good(row, ok, message), ("%s = %s: %s"):format(key, value, message))
            end
          end
        end
      end)

      it("of " .. name .. " refuse unknown names", function()
        if row.no_names then return end
        for key in pairs(declared.kinds) do
          refused(row, nil, key .. "x", 1,
            ("%s: there is no option '%sx'"):format(row.unknown or what, key))
        end
      end)

      it("of " .. name .. " must be in a table", function()
        if row.no_names then return end
        for _, value in ipairs{3, "x", true, braid.ones(2)} do
          local ok <const>, message <const> = pcall(row.call, row.arguments or {}, value)
          assert(type(value) == row.takes or not ok and message:find(HERE .. ":%d+: "), message)
        end
      end)
    end
  end
end)
