--- `braid predict DIR | FILE PICTURE ...`: a network's answers for pictures.
--
-- A picture is padded to a square and scaled to the size of the run's pictures. All pictures are
-- read before anything is written.

local cells <const> = require "braid.cli.given.cells"
local check <const> = require "braid.check"
local answers_of <const> = require "braid.cli.given.answers"
local core <const> = require "braid.core"
local Dataset <const> = require "braid.data.dataset"
local drawn <const> = require "braid.cli.given.drawn"
local grad <const> = require "braid.grad"
local machine <const> = require "braid.cli.given.machine"
local network <const> = require "braid.cli.given.network"
local Source <const> = require "braid.train.fitting.source"
local tensor <const> = require "braid.tensor"

-- The number of channels that a network takes, found by trying.
local function channels_of(net, size)
  local why
  for _, channels in ipairs{3, 1} do
    local ok <const>, message <const> = check.caught(net, tensor.zeros(1, channels, size, size))
    if ok then return channels end
    why = message
  end
  check.fail("predict: the network takes no pictures of %d x %d pixels (--size): %s", size, size,
    why)
end

-- The answers for the pictures, as a list of {picture =, height =, width =, tasks =}.
local function asked(net, tasks, paths, loader, batch)
  local list <const> = {}
  local _ <close> = net:evaluating()
  local _ <close> = grad.no_grad()
  for _, path in ipairs(paths) do
    local image <const>, why <const> = core.image_read(path, 3)
    if not image then check.fail("predict: %s", why) end
    list[#list + 1] = {picture = path, height = image:size(2), width = image:size(3)}
  end
  local set <const> = Dataset{files = paths, channels = channels_of(net, loader.size)}
  local source <const>, done = Source("test", set, {loader = loader, batch = batch}), 0
  for found in source:batches(1) do
    local outputs <const> = net(found.image)
    for i = 1, found.count do
      local row <const> = list[done + i]
      row.tasks = answers_of.of(tasks, outputs, i, row.height, row.width)
    end
    done = done + found.count
  end
  return list
end

local function print_csv(tasks, list)
  for i, row in ipairs(list) do
    local names <const>, values <const> = {"picture"}, {row.picture}
    for name in tasks:each() do
      for _, column in ipairs(answers_of.columns(name, row.tasks[name])) do
        names[#names + 1], values[#values + 1] = column[1], column[2]
      end
    end
    if i == 1 then print(cells(names)) end
    print(cells(values))
  end
end

local function print_words(tasks, list)
  for _, row in ipairs(list) do
    local words <const> = {}
    for name in tasks:each() do
      words[#words + 1] = name .. " " .. answers_of.words(row.tasks[name])
    end
    print(row.picture .. ": " .. table.concat(words, "; "))
  end
end

return {usage = "predict DIR | FILE PICTURE  a network's answers for pictures",
  least = 2, most = math.huge, words = {"network", "file"},
  options = {out = check.text(), json = false, csv = false, overwrite = false,
    batch = {64, from = 1}, size = check.whole{from = 1, to = 4096}},
  said = {out = "a directory for the pictures with points and labels drawn on them",
    json = "for machines; points are in pixels from 0", csv = "a table; likewise",
    overwrite = "replace pictures that are in --out", batch = "pictures at once",
    size = "side of the pictures that the network is shown (the run's)"},
  wrong = function(o) return o.json and o.csv and "wants --json or --csv" or nil end,
  run = function(o, path, ...)
    local net <const>, tasks <const> = network.open(path)
    answers_of.check(tasks)
    local loader <const> = network.loader(path)
    loader.size, loader.enlarge = o.size or loader.size, true
    if not loader.size then
      check.fail("predict: --size is missing: no run beside %s says how large its pictures were",
        path)
    end
    local paths <const> = {...}
    local places <const> = o.out and drawn.places(o.out, paths, o.overwrite)
    local list <const> = asked(net, tasks, paths, loader, o.batch)
    if o.out then drawn.write(o.out, places, tasks, list) end
    if o.json then
      print(machine.text(list))
    elseif o.csv then
      print_csv(tasks, list)
    elseif not o.out then
      print_words(tasks, list)
    end
  end}
