--- Arguments of a script: --name value replaces a default in a table, and must have its type.
--
-- A default may have bounds, {30, from = 1} (from, above, to, below), or be the first of several
-- choices, {"plain", "channelwise"}. --name=value is the same, 10k is 10000, and a flag needs no
-- value. A wrong argument ends the script before it does anything else: it prints which arguments
-- there are and exits with status 2. -h prints them, too.
-- @treturn table<string, any>
-- @usage
-- local o <const> = train.arguments({"--epochs", "5"}, {
--   epochs = {30, from = 1}, out = "build/demo"})

local arguments <const> = require "braid.arguments"

return function(given, defaults)
  local script <const> = given[0] or "script"
  local options, words = arguments.read(given, defaults)
  if options and words and words[1] then
    options, words = nil, ("there is no place for '%s'"):format(words[1])
  end
  if options and words then return options end
  local known <const> = "options and their defaults:\n" .. arguments.described(defaults) .. "\n"
  if options then
    print(known:sub(1, -2))
    os.exit(0, true)
  end
  io.stderr:write(script, ": ", words, "\n", known)
  os.exit(2, true)
end
