--- `braid eval DIR | FILE --data PATH`: measures a network on data.
--
-- A run's best network is measured once on test data (train.test). Other parts of the data, and
-- networks in files, are measured as often as you like.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local given <const> = require "braid.cli.given.data"
local json <const> = require "braid.io.json"
local matched <const> = require "braid.cli.given.matched"
local Log <const> = require "braid.train.log"
local network <const> = require "braid.cli.given.network"
local Source <const> = require "braid.train.fitting.source"
local test <const> = require "braid.train.test"

local TAKES <const> = {part = {"test", "val", "train"}, json = false,
  batch = check.whole{from = 1}, size = check.whole{from = 1, to = 4096}}
local SAID <const> = {part = "part of the data", json = "print JSON",
  batch = "samples at once (64)", size = "side of the pictures in pixels (that of the run)"}
for name, kind in pairs(given.OPTIONS) do TAKES[name], SAID[name] = kind, given.SAID[name] end

-- The run's report on test data. It is made once and kept, so other test data are an error.
local function tested(dir, set, source)
  local path <const> = dir .. "/test.json"
  local before <const> = core.path_kind(path) == "file" and json.decode(files.read(path) or "")
  local mark <const> = source:mark()
  if type(before) == "table" and before.data ~= mark then
    check.fail("%s was already tested on other data, %s, not on these, %s; eval "
      .. "%s/best.safetensors measures the network on any "
      .. "data", dir, tostring(before.data), mark, dir)
  end
  return test(dir, set)
end

return {usage = "eval DIR | FILE ...        measure a run's best network, or one in a file",
  least = 1, most = 1, options = TAKES, said = SAID, words = {"network"},
  wrong = function(o)
    if not o.data then return "--data is missing: a directory, a file or faces" end
  end,
  run = function(o, path)
    local is_test <const> = o.part == "test" and core.path_kind(path) == "directory"
    if is_test and (o.size or o.batch) then
      check.fail("a test uses the size and batch of the run, without --size and --batch; eval "
        .. "%s/best.safetensors takes them", path)
    end
    local net <const>, tasks <const> = network.open(path)
    local loader <const> = network.loader(path)
    o.size = o.size or loader.size
    local sets <const>, loaders <const> = matched.open(o, function() return {net} end)
    for key, value in pairs(loaders[1]) do loader[key] = value end
    local set <const> = given.part(sets, o.part)
    local source <const> = Source("test", set, {tasks = tasks, loader = loader, batch = o.batch},
      Source.card_of(net))
    local report <const> = is_test and tested(path, set, source)
      or tasks:evaluate(net, source:batches(1))
    print(o.json and json.encode(Log.plain(Log.report(report))) or tostring(report))
  end}
