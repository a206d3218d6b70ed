--- A table whose fields are the modules of a folder, each read when it is first named: a new
-- file is found without being listed anywhere.
-- @usage return folder("braid.data")   -- data.mtfl is what braid/data/mtfl.lua returns

--- `file_of` turns a field's name into a file's (the name itself unless given); `otherwise`
-- gives the value of a name that no file has.
return function(prefix, file_of, otherwise)
  return setmetatable({}, {__index = function(t, name)
    if type(name) ~= "string" then return nil end
    local path <const> = prefix .. "." .. (file_of and file_of(name) or name)
    local value
    if package.searchpath(path, package.path) then
      value = require(path)
    elseif otherwise then
      value = otherwise(name)
    end
    rawset(t, name, value)
    return value
  end})
end
