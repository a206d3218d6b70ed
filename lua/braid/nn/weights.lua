--- Reads the value of an option `pretrained` -> {state = tensors by name, text = its name in
-- messages}.
--
-- `pretrained` is the path of a file that braid.load reads, a table of tensors by name (or of lists
-- of tensors, as in Caffe), a network, or a backbone. If the file is a checkpoint of PyTorch with
-- one table of tensors by name, such as {state_dict = {...}, epoch = 3}, this table is taken. A
-- definition may give a table or a module, but no path.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local guard <const> = require "braid.guard"
local load <const> = require "braid.io.load"
local state <const> = require "braid.nn.state"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

M.kind = check.kind("weights: the path of a file, tensors by name, a network or a backbone",
  function(v) return type(v) == "string" or walk.is_module(v) or walk.is_plain(v) end)

local BLOBS <const> = {"weight", "bias"} -- the tensors of a Caffe layer, in order

local function read_file(what, path)
  if guard.is_inside() then
    check.fail("%s: pretrained: a definition cannot name a file; give the path to braid.model",
      what)
  end
  local ok <const>, value <const> = check.caught(load, path)
  if not ok then check.fail("%s: pretrained: %s", what, (value:gsub("^load: ", ""))) end
  if core.is_tensor(value) then
    check.fail("%s: pretrained: %s holds one tensor, without names", what, path)
  end
  local nested <const> = state.nested(value)
  if #nested > 1 then
    check.fail("%s: pretrained: %s has several tables of tensors, %s; give one of those that "
      .. "braid.load gives", what, path, table.concat(nested, ", "))
  end
  return value[nested[1] or ""] or value
end

-- The tensors by name. Each must be a floating-point tensor or a counter.
local function named(what, text, given)
  local list <const> = {}
  for key, value in next, given do
    local blobs <const> = walk.is_plain(value) and value or {value}
    if type(key) ~= "string" or #blobs == 0 then
      check.fail("%s: pretrained: %s must be tensors by name; '%s' is a %s", what, text,
        tostring(key), type(value))
    end
    for i, t in ipairs(blobs) do
      if not core.is_tensor(t) then
        check.fail("%s: pretrained: %s must be tensors by name; '%s' is a %s", what, text, key,
          type(t))
      end
      list[blobs == value and ("%s.%s"):format(key, BLOBS[i] or i) or key] = t
    end
  end
  return list
end

--- The weights of a source that M.kind accepts; error messages name the function `what`.
function M.read(what, source)
  if walk.is_module(source) then
    return {state = state.state_dict(source), text = "a " .. getmetatable(source).__name}
  end
  if type(source) == "table" then
    return {state = named(what, "a table", source), text = "a table"}
  end
  local text <const> = source:match("[^/]+$") or source
  return {state = named(what, text, read_file(what, source)), text = text}
end

return M
