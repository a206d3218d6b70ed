--- `braid show data PATH`, `braid show transforms [PICTURE]`, `braid show DIR`, `braid show FILE`:
-- shows what is in data, what the transforms do, how a run went, or the diagram of a network.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local given <const> = require "braid.cli.given.data"
local json <const> = require "braid.io.json"
local machine <const> = require "braid.cli.given.machine"

local MOST <const> = 12 -- a label of more classes is listed without their counts

-- The facts about a label for --json: its kind, its classes with counts, how many samples lack it.
local function facts_of(set, name)
  local t <const>, kind <const> = set.labels[name], set.kinds[name]
  local facts <const> = {kind = kind}
  if kind == "class" then
    local counts <const>, most = {}, #(set.classes[name] or {})
    for _, label in ipairs(t:totable()) do
      counts[label], most = (counts[label] or 0) + 1, math.max(most, label)
    end
    facts.missing, facts.counts, facts.names = counts[core.missing_class] or 0, {}, {}
    for c = 1, most do
      facts.counts[c] = counts[c] or 0
      facts.names[c] = (set.classes[name] or {})[c] or tostring(c)
    end
    return facts
  end
  local values <const> = t:reshape(t:size(1), -1)
  local there <const> = values:eq(values):to("float32"):sum(2):gt(0)
  facts.missing = t:size(1) - core.ops.count_nonzero(there):item()
  facts[kind == "points" and "points" or "numbers"] = kind == "points" and t:size(2)
    or values:size(2)
  return facts
end

local function words_of(facts)
  if facts.points then return facts.points .. " points" end
  if facts.numbers then return facts.numbers == 1 and "a number" or facts.numbers .. " numbers" end
  local words <const> = {}
  for c = 1, math.min(#facts.counts, MOST) do
    words[c] = ("%s %d"):format(facts.names[c], facts.counts[c])
  end
  if #facts.counts > MOST then words[#words + 1] = "..." end
  return ("%d classes: %s"):format(#facts.counts, table.concat(words, ", "))
end

local function show_data(o, path)
  o.data = path
  local sets <const> = given.open(o)
  local all <const>, lines <const> = {}, {}
  for _, part in ipairs(given.parts(sets)) do
    local set <const>, labels <const> = sets[part], {}
    lines[#lines + 1] = ("%s: %d samples"):format(part, #set)
    if (set.unreadable or 0) > 0 then
      lines[#lines] = ("%s, %d that cannot be read, the first: %s"):format(lines[#lines],
        set.unreadable, set.first_unreadable)
    end
    for _, name in ipairs(check.sorted_keys(set.labels)) do
      labels[name] = facts_of(set, name)
      local missing <const> = labels[name].missing
      lines[#lines + 1] = ("  %-12s %s%s"):format(name, words_of(labels[name]),
        missing > 0 and (", %d missing"):format(missing) or "")
    end
    all[part] = {samples = #set, labels = labels, unreadable = set.unreadable}
  end
  print(o.json and json.encode(all) or table.concat(lines, "\n"))
end

local function show_run(o, dir)
  local history <const> = require "braid.train.history".read(dir)
  if o.json then
    local events <const> = require "braid.train.log".plain
    return print(json.encode(events(history.events)))
  end
  print(history)
end

local function show_network(o, path)
  if o.json then return print(machine.text(require "braid.inspect"(path))) end
  print(require "braid.plot".topology((require "braid.model.open"(path))))
end

local function show_transforms(o, path)
  if path and not core.path_kind(path) then check.fail("show: there is no %s", path) end
  local calls <const> = require "braid.cli.given.transforms".draw(path, o.out)
  if o.json then return print(json.encode{out = o.out, transforms = calls}) end
  print(("%s: %d transforms of braid.data, three draws each"):format(o.out, #calls))
  for _, call in ipairs(calls) do print("  data." .. call) end
end

return {usage = "show [data] PATH           show data, transforms, a run, or a network's diagram",
  least = 1, most = 2, words = {"file"},
  options = {reader = given.OPTIONS.reader, read = "", json = false, out = "transforms.png"},
  said = {reader = given.SAID.reader, read = given.SAID.read, json = "print JSON",
    out = "where `show transforms` writes its PNG"},
  wrong = function(_, words)
    if words[1] == "data" and not words[2] then return "the path of the data is missing: braid "
      .. "show data PATH" end
    if words[1] ~= "data" and words[1] ~= "transforms" and words[2] then
      return ("there is no place for '%s'"):format(words[2])
    end
  end,
  run = function(o, what, path)
    if what == "transforms" and not core.path_kind(what) then return show_transforms(o, path) end
    if path then return show_data(o, path) end
    local kind <const> = core.path_kind(what)
    if not kind then check.fail("show: there is no %s", what) end
    return (kind == "directory" and show_run or show_network)(o, what)
  end}
