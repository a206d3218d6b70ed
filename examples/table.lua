--- Learns blood pressure and risk from a table of people, which it first makes up.
--
-- The table has numbers, categories and gaps. data.table standardises them by the training rows,
-- and the network keeps how: net:predict takes a row as a person writes it.
local braid <const> = require "braid"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn

local o <const> = braid.train.arguments(arg, {rows = 2000, epochs = 20, seed = 1,
  out = "build/people.csv"})

local function make_up(path)
  local u <const>, lines <const> = braid.rand(o.rows, 4):totable(), {"age,weight,dose,sex,bp,risk"}
  for i, p in ipairs(u) do
    local age <const>, weight <const> = 20 + 60 * p[1], 50 + 50 * p[2]
    local sex <const> = p[3] < 0.5 and "m" or "f"
    local bp <const> = 85 + 0.4 * age + 0.2 * weight + (sex == "m" and 6 or 0) + 6 * p[4]
    lines[i + 1] = ("%.0f,%.1f,%s,%s,%s,%s"):format(age, weight, i % 9 == 0 and "" or i % 4, sex,
      i % 7 == 0 and "" or ("%.0f"):format(bp), bp < 115 and "low" or bp < 130 and "mid" or "high")
  end
  local file <const> = assert(io.open(path, "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
end

braid.manual_seed(o.seed)
make_up(o.out)

local sets <const> = data.table(o.out, {reals = {"bp"}, classes = {risk = {"low", "mid", "high"}},
  val = 0.2})
local tasks <const> = mtl.tasks{bp = mtl.real{}, risk = mtl.classes{3, weight = 0.5}}
local function layer(c) return nn.Sequential{nn.Linear(c, 32), nn.ReLU()} end
local net <const> = mtl.columns(tasks, nn.backbone({ {"fc1", layer}, {"fc2", layer} },
  {channels = #sets.train.input_names}))
net:mix("*", mtl.cross_stitch{})
net:heads(function(task, c) return nn.Linear(c, task.size) end)
braid.train.fit{net = net, train = sets.train, val = sets.val, epochs = o.epochs, lr = 3e-3}

print(tasks:evaluate(net, data.loader(sets.val)))
print(net:predict{age = 61, weight = 80, dose = 2, sex = "f"})
