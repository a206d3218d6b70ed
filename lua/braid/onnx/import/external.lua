--- Gives the values of tensors that lie in files beside an ONNX file. Such a file must be in the
-- directory of the ONNX file or below it, and no link may lead to it.

local core <const> = require "braid.core"
local damage <const> = require "braid.io.damage"
local files <const> = require "braid.io.files"

local fail <const> = damage.fail

-- The path of a file in a directory, if the location names one there.
local function path_of(directory, location, name)
  local path = directory
  if location == "" or location:find("[%z\\:]") or location:find("^/") then
    fail("%s lies in the file '%s', which is not a path below the ONNX file", name,
      (location:gsub("%c", "?")))
  end
  for part in (location .. "/"):gmatch("([^/]*)/") do
    if part == "" or part == "." or part == ".." then
      fail("%s lies in the file '%s', which is not a path below the ONNX file", name,
        (location:gsub("%c", "?")))
    end
    path = path .. part
    if core.is_link(path) then fail("%s lies in '%s', which is a link", name, path) end
    path = path .. "/"
  end
  path = path:sub(1, -2)
  if core.path_kind(path) ~= "file" then
    fail("%s lies in '%s', which is not a file", name, path)
  end
  return path
end

local function whole(text, usual, what, name)
  local n <const> = text == nil and usual or text and text:find("^%d+$") and math.tointeger(text)
  return n or fail("%s has the %s '%s'", name, what, tostring(text))
end

--- The function that tensors.lua calls for a tensor outside the file at `model`: it returns the
-- bytes of the tensor, and the place where they begin.
return function(model, allowed)
  local directory <const> = model:match("^(.*/)") or "./"
  return function(t, name, bytes)
    local entries <const> = {}
    for _, entry in ipairs(t.external_data or {}) do
      entries[entry.key or ""] = entry.value or ""
    end
    if not allowed then
      fail("%s lies in another file ('%s'); {external = true} lets it be read, from the directory "
        .. "of the ONNX file only", name, tostring(entries.location))
    end
    local path <const> = path_of(directory, entries.location or "", name)
    local offset <const> = whole(entries.offset, 0, "offset", name)
    local length <const> = whole(entries.length, bytes, "length", name)
    if length ~= bytes then
      fail("%s asks for %d bytes, but has %d in '%s'", name, bytes, length, path)
    end
    local source <close>, message <const> = files.open(path)
    if not source then fail("%s: %s", name, message) end
    if offset > source.size - bytes then
      fail("%s begins at byte %d of '%s', which has %d", name, offset + 1, path, source.size)
    end
    local text <const>, at <const> = source:window(offset + 1, bytes)
    if not text then fail("%s: %s", name, at) end
    return text, at
  end
end
