--- `braid predict DIR | FILE PICTURE ...`: a network's answers for pictures, or for the rows of
-- tables if it learned from one (model/predict.lua).

local answers_of <const> = require "braid.model.answers"
local cells <const> = require "braid.cli.given.cells"
local check <const> = require "braid.check"
local drawn <const> = require "braid.cli.given.drawn"
local machine <const> = require "braid.cli.given.machine"
local network <const> = require "braid.cli.given.network"
local predict <const> = require "braid.model.predict"
local recipe <const> = require "braid.data.recipe"

-- The answers as a list of {picture =, height =, width =, tasks =}, or for the rows of a file
-- {file =, row =, tasks =}.
local function rows_of(answers, file)
  local list <const> = {}
  for i, answer in ipairs(answers) do
    local picture <const>, tasks <const> = answer.picture or {}, {}
    for name, value in next, answer do
      tasks[name] = name ~= "picture" and name ~= "row" and value or nil
    end
    list[i] = {picture = picture.path, height = picture.height, width = picture.width,
      file = file, row = answer.row and answer.row.number, tasks = tasks}
  end
  return list
end

-- The answers about the rows of tables.
local function of_tables(net, tasks, paths, o)
  if o.out or o.size then
    check.fail("--%s is for pictures, and the network takes rows of a table", o.out and "out"
      or "size")
  end
  local list <const> = {}
  for _, path in ipairs(paths) do
    local answers <const> = predict(net, path, {tasks = tasks, batch = o.batch,
      unknown = o.unknown})
    for _, row in ipairs(rows_of(answers, path)) do list[#list + 1] = row end
  end
  return list
end

-- Whether a network learned from rows and not from pictures.
local function takes_rows(net)
  local card <const> = rawget(net, "card")
  local known <const> = type(card) == "table" and card.preprocessing
  return type(known) == "table" and recipe.is_of_rows(known)
end

local function name_of(row) return row.picture or ("%s:%d"):format(row.file, row.row) end

local function print_csv(tasks, list)
  for i, row in ipairs(list) do
    local names <const> = row.picture and {"picture"} or {"file", "row"}
    local values <const> = row.picture and {row.picture} or {row.file, row.row}
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
    print(name_of(row) .. ": " .. table.concat(words, "; "))
  end
end

return {usage = "predict DIR | FILE PICTURE  print a network's answers for pictures or rows",
  least = 2, most = math.huge, words = {"network", "file"},
  options = {out = check.text(), json = false, csv = false, overwrite = false,
    batch = {64, from = 1}, size = check.whole{from = 1, to = 4096},
    unknown = {"error", "missing"}},
  said = {out = "a directory for the pictures with points and labels drawn on them",
    json = "print JSON; points are in pixels from 0", csv = "print a table as CSV; points are in "
      .. "pixels from 0",
    overwrite = "replace pictures that are in --out", batch = "pictures or rows at once",
    size = "side of the network's pictures in pixels (that of the run)",
    unknown = "how to take a word that no training row had"},
  wrong = function(o) return o.json and o.csv and "wants only one of --json and --csv" or nil end,
  run = function(o, path, ...)
    local net <const>, tasks <const> = network.open(path)
    answers_of.check(tasks)
    local paths <const> = {...}
    local of_rows <const> = takes_rows(net)
    local places <const> = not of_rows and o.out and drawn.places(o.out, paths, o.overwrite)
    local list <const> = of_rows and of_tables(net, tasks, paths, o)
      or rows_of(predict(net, paths, {tasks = tasks, batch = o.batch,
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
