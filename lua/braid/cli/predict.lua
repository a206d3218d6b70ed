--- `braid predict DIR | FILE PICTURE ...`: a network's answers for pictures (model/predict.lua).

local answers_of <const> = require "braid.model.answers"
local cells <const> = require "braid.cli.given.cells"
local check <const> = require "braid.check"
local drawn <const> = require "braid.cli.given.drawn"
local machine <const> = require "braid.cli.given.machine"
local network <const> = require "braid.cli.given.network"
local predict <const> = require "braid.model.predict"

-- The answers as a list of {picture =, height =, width =, tasks =}.
local function rows_of(answers)
  local list <const> = {}
  for i, answer in ipairs(answers) do
    local picture <const>, tasks <const> = answer.picture, {}
    for name, value in next, answer do tasks[name] = name ~= "picture" and value or nil end
    list[i] = {picture = picture.path, height = picture.height, width = picture.width,
      tasks = tasks}
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

return {usage = "predict DIR | FILE PICTURE  print a network's answers for pictures",
  least = 2, most = math.huge, words = {"network", "file"},
  options = {out = check.text(), json = false, csv = false, overwrite = false,
    batch = {64, from = 1}, size = check.whole{from = 1, to = 4096}},
  said = {out = "a directory for the pictures with points and labels drawn on them",
    json = "print JSON; points are in pixels from 0", csv = "print a table as CSV; points are in "
      .. "pixels from 0",
    overwrite = "replace pictures that are in --out", batch = "pictures at once",
    size = "side of the network's pictures in pixels (that of the run)"},
  wrong = function(o) return o.json and o.csv and "wants --json or --csv" or nil end,
  run = function(o, path, ...)
    local net <const>, tasks <const> = network.open(path)
    answers_of.check(tasks)
    local paths <const> = {...}
    local places <const> = o.out and drawn.places(o.out, paths, o.overwrite)
    local list <const> = rows_of(predict(net, paths, {tasks = tasks, batch = o.batch,
      size = o.size or network.loader(path).size}))
    if o.out then drawn.write(o.out, places, tasks, list) end
    if o.json then
      print(machine.text(list))
    elseif o.csv then
      print_csv(tasks, list)
    elseif not o.out then
      print_words(tasks, list)
    end
  end}
