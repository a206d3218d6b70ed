--- The C core: core.so, loaded after the prelude, which sets what OpenMP reads when it starts.

require "braid.prelude"
local path <const> = assert(package.searchpath("braid.core", package.cpath))
return assert(package.loadlib(path, "luaopen_braid_core"))()
