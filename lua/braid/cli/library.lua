--- `braid library DIR`: writes files that tell editors about Braid: stubs with the types, options
-- and help of all public names (lua/braid/repl/library).

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"

return {usage = "library DIR                writes stubs of Braid's names there, for editors",
  least = 1, most = 1, words = {"directory"}, prints = "the number of files that it wrote",
  more = "A project finds them by its .luarc.json: {\"workspace\": {\"library\": [\"DIR\"]}}",
  run = function(_, dir)
    if core.path_kind(dir) ~= "directory" then
      local ok <const>, why <const> = core.make_folder(dir)
      if not ok then check.fail("library: %s", why) end
    end
    local made <const> = require "braid.repl.library".files()
    local names <const> = check.sorted_keys(made)
    for _, name in ipairs(names) do
      local ok <const>, why <const> = files.write(dir .. "/" .. name, {made[name]})
      if not ok then check.fail("library: %s", why) end
    end
    print(("wrote %d files to %s"):format(#names, dir))
  end}
