--- The files of a pool. Each job has a directory with its output and, when it is done, its result.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local Log <const> = require "braid.train.log"

local M <const> = {}

--- Turns a name into a directory name. Characters that are not allowed become %XX.
function M.folder(name)
  return (name:gsub("[^%w_%-.=+, ()]", function(c) return ("%%%02X"):format(c:byte()) end)
    :gsub("^%.", "%%2E"):gsub("^ ", "%%20"):gsub(" $", "%%20"))
end

function M.path(pool, job, file) return ("%s/%s/%s"):format(pool.dir, job.dir, file) end

function M.make(pool, job) Log.make_folder(pool.what, pool.dir .. "/" .. job.dir) end

-- ---- values -------------------------------------------------------------------------------

local WORDS <const> = {["nan"] = -(0 / 0), ["inf"] = math.huge, ["-inf"] = -math.huge}

local function refuse(pool, path, value)
  check.fail("%s: %s is %s; a job returns numbers, texts, flags and tables of them",
    pool.what, path, check.shown(value))
end

-- A value as it is written to JSON. Numbers that are not finite become {number = "nan"} and so on.
local function packed(pool, value, path)
  if core.is_tensor(value) and value:numel() == 1 then value = value:item() end
  local kind <const> = type(value)
  if kind == "number" then
    if value - value == 0 then return value end
    return {number = value ~= value and "nan" or value > 0 and "inf" or "-inf"}
  end
  if kind == "string" and utf8.len(value) or kind == "boolean" then return value end
  if kind ~= "table" or getmetatable(value) ~= nil then refuse(pool, path, value) end
  local t <const>, list <const> = {}, #value > 0
  for key, v in next, value do
    if list and math.type(key) ~= "integer" or not list and type(key) ~= "string" then
      refuse(pool, ("%s[%s]"):format(path, tostring(key)), v)
    end
    t[key] = packed(pool, v, ("%s.%s"):format(path, key))
  end
  return t
end

local function unpacked(value)
  if type(value) ~= "table" then return value end
  if WORDS[value.number] and next(value, next(value)) == nil then return WORDS[value.number] end
  local t <const> = {}
  for key, v in next, value do t[key] = unpacked(v) end
  return t
end

-- ---- results ------------------------------------------------------------------------------

function M.write(pool, job, result)
  local text <const> = json.encode(packed(pool, result, "the result"))
  local ok <const>, why <const> = files.write(M.path(pool, job, job.result), {text, "\n"})
  if not ok then check.fail("%s: %s", pool.what, why) end
end

-- Says which setting of two tables differs first.
local function difference(a, b)
  local keys <const> = {}
  for key in pairs(a) do keys[key] = true end
  for key in pairs(b) do keys[key] = true end
  local function text(v)
    if v == nil then return "not given" end
    return type(v) == "table" and json.encode(v) or tostring(v)
  end
  for _, key in ipairs(check.sorted_keys(keys)) do
    local was <const>, is <const> = text(a[key]), text(b[key])
    local is_code <const> = type(a[key]) == "table" and a[key].lines ~= nil
    if was ~= is then return key, was, is, is_code end
  end
end

-- The message about a changed setting.
local function changed(key, was, is, is_code)
  if is_code then
    return ("%s, or a value that it uses, has changed"):format(key == "code"
      and "the function that makes it" or "its function " .. key)
  end
  local function short(text) return #text > 80 and text:sub(1, 80) .. " ..." or text end
  return ("its %s was %s and is %s"):format(key, short(was), short(is))
end

--- The result of a job with these settings, or nil if there is none yet. A result of other settings
-- raises an error.
function M.read(pool, job)
  local path <const> = M.path(pool, job, job.result)
  if core.path_kind(path) ~= "file" then return nil end
  local result <const> = json.decode(files.read(path) or "")
  if type(result) ~= "table" or type(result.settings) ~= "table" then
    check.fail("%s: %s is not the result of a job; choose another dir, or remove it",
      pool.what, path)
  end
  local settings <const> = packed(pool, job.settings, "the settings")
  local key <const>, was <const>, is <const>, is_code <const> = difference(result.settings,
    settings)
  if key then
    check.fail("%s: %s is the result of another job '%s': %s; choose another dir, or remove %s/%s "
      .. "to run this one", pool.what, path, job.name, changed(key, was, is, is_code), pool.dir,
      job.dir)
  end
  return unpacked(result)
end

-- ---- output -------------------------------------------------------------------------------

local TAIL <const> = 1 << 14

--- The last n lines of what a job printed, without tracebacks.
function M.tail(pool, job, n)
  local file <close> = io.open(M.path(pool, job, "output.txt"), "rb")
  if not file then return "(it printed nothing)" end
  local size <const> = file:seek("end")
  file:seek("set", math.max(0, size - TAIL))
  local lines <const> = {}
  for line in file:read("a"):gsub("[^\n]*\r", ""):gsub("\27%[[%d;]*%a", ""):gmatch("[^\n]+") do
    if line:sub(1, 1) ~= "\t" and line ~= "stack traceback:" then lines[#lines + 1] = line end
  end
  return #lines > 0 and table.concat(lines, "\n", math.max(1, #lines - n + 1))
    or "(it printed nothing)"
end

return M
