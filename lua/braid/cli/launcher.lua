#!/usr/bin/env lua5.4
--- The command `braid`: finds the module beside itself, built or installed, and hands over.

local here <const> = (arg[0]:match("^(.*)/[^/]*$") or ".")

-- A built tree has build/braid beside build/lib; an installed one has bin/braid beside lib/ and
-- share/.
local function exists(path)
  local f <const> = io.open(path)
  if f then f:close() end
  return f ~= nil
end

local function use(lua, lib)
  package.path = lua .. "/?.lua;" .. lua .. "/?/init.lua;" .. package.path
  package.cpath = lib .. "/?.so;" .. package.cpath
end

if exists(here .. "/../lua/braid/init.lua") then
  use(here .. "/../lua", here .. "/lib")
elseif exists(here .. "/../share/lua/5.4/braid/init.lua") then
  use(here .. "/../share/lua/5.4", here .. "/../lib/lua/5.4")
end

os.exit(require("braid.cli")(arg), true)
