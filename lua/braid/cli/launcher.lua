#!/usr/bin/env lua5.4
--- The command `braid`: finds Braid's modules beside itself, built or installed, and runs
-- braid.cli.

local here <const> = arg[0]:match("^(.*)/[^/]*$") or "."

-- A built tree has build/braid beside build/lib; an installed one has bin/braid beside
-- lib/ and share/; a rock has it at
-- TREE/lib/luarocks/rocks-5.4/braid/VERSION/bin/braid. A symbolic link has none of these
-- beside it. The launcher then uses the places that the build or the installation wrote
-- into it.
local PLACES <const> = {
  {here .. "/../lua", here .. "/lib"},
  {here .. "/../share/lua/5.4", here .. "/../lib/lua/5.4"},
  {here .. "/../../../../../../share/lua/5.4", here .. "/../../../../../lua/5.4"},
  {"@LUADIR@", "@LIBDIR@"},
}

local function exists(path)
  local f <const> = io.open(path)
  if f then f:close() end
  return f ~= nil
end

for _, place in ipairs(PLACES) do
  local lua <const>, lib <const> = place[1], place[2]
  if exists(lua .. "/braid/init.lua") and exists(lib .. "/braid/core.so") then
    package.path = lua .. "/?.lua;" .. lua .. "/?/init.lua;" .. package.path
    package.cpath = lib .. "/?.so;" .. package.cpath
    break
  end
end

os.exit(require("braid.cli")(arg), true)
