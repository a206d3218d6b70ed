--- .npz: tensors by name in numpy's format, a zip file of .npy files.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local named <const> = require "braid.io.named"
local npy <const> = require "braid.io.npy"
local zip <const> = require "braid.io.zip"

local M <const> = {}

local LONGEST_NAME <const> = 0xFFFF - #".npy"

local function is_name(name)
  return name ~= "" and #name <= LONGEST_NAME and utf8.len(name) ~= nil
end

--- The tensors by name in a source of files.lua, and {name = reason} for undamaged entries that are
-- not tensors (texts, Python objects); or nil and what is wrong.
function M.parse(source)
  local tensors <const>, left_out <const> = {}, {}
  local ok <const>, wrong <const> = zip.each(source, function(entry, bytes)
    local name <const> = entry:match("^(.+)%.npy$")
    if not name then
      left_out[entry] = "it is not a .npy file"
      return nil
    end
    local t <const>, why <const>, whole <const> = npy.parse(files.view(bytes, entry))
    if not t and not whole then return ("'%s': %s"):format(entry, why) end
    if t then tensors[name] = t else left_out[name] = why end
  end)
  if not ok then return nil, wrong end
  local first <const> = not next(tensors) and check.sorted_keys(left_out)[1]
  if first then return nil, ("no tensor is in it; '%s': %s"):format(first, left_out[first]) end
  return tensors, left_out
end

--- The tensors by name in a file, and {name = reason} for entries that are not tensors; or nil and
-- a message. Types are converted as in npy.read.
function M.read(path)
  local source <close>, message <const> = files.open(path)
  if not source then return nil, message end
  local tensors <const>, more <const> = M.parse(source)
  if not tensors then return nil, ("%s: not a whole .npz file: %s"):format(path, more) end
  return tensors, more
end

--- Writes a table of tensors by name, without compression.
-- @return true, or nil and a message
function M.write(path, tensors)
  local names <const>, entries <const> = named.names("npz", tensors, is_name), {}
  for i, name in ipairs(names) do entries[i] = name .. ".npy" end
  return zip.write(path, entries, function(i)
    local t <const> = tensors[names[i]]
    return npy.header(t), core.bytes(t)
  end)
end

return M
