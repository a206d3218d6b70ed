--- Tests the commands train, eval and predict on a table without pictures.

local shell <const> = require "spec.support.shell"

local HERE <const> = shell.run("pwd").out:gsub("\n", "")
local BRAID <const> = shell.braid:gsub("%f[^%s\0](build%S*)", HERE .. "/%1")

local DEFINITION <const> = [[
return function(tasks, o)
  local function block(c) return nn.Sequential{nn.Linear(c, 8), nn.ReLU()} end
  local net = mtl.columns(tasks, nn.backbone({ {"fc", block} }, {channels = o.channels}))
  return net:heads(function(task, c) return nn.Linear(c, task.size) end)
end
]]

local function people(n)
  local lines <const> = {"age,sex,bp,risk"}
  for i = 1, n do
    local age <const> = 20 + i * 7 % 50
    lines[i + 1] = ("%d,%s,%d,%s"):format(age, i % 3 == 0 and "f" or "m", 100 + age // 2,
      age > 45 and "high" or "low")
  end
  return table.concat(lines, "\n")
end

local READ <const> = "--reader table --read 'reals={bp} classes={risk} val=0.2 test=0.2'"

describe("commands on a table", function()
  it("train a network, measure it in the units of the table's columns, and predict", function()
    shell.in_directory(function(dir)
      shell.write(dir .. "/net.lua", DEFINITION)
      shell.write(dir .. "/t.csv", people(80))
      shell.write(dir .. "/ask.csv", "sex,age\nf,33\nm,60\n")
      local function run(command, ...)
        return shell.run(("cd %s && %s %s"):format(shell.quote(dir), BRAID,
          command:format(...)))
      end
      local trained <const> = run("train net.lua --data t.csv %s --options channels=3 --epochs 3 "
        .. "--dir run", READ)
      assert.equal(0, trained.status, trained.err)
      local measured <const> = run("eval run --data t.csv %s", READ)
      assert.matches("^bp %d+%.%d+ off  risk %d+%.%d%%", measured.out)
      local said <const> = run("predict run ask.csv")
      assert.matches("^ask.csv:1: bp %d%d%d?%.?%d*; risk %a+ %d+%%\nask.csv:2: bp ", said.out)
      local cells <const> = run("predict run ask.csv --csv")
      assert.matches("^file,row,bp,risk,risk.share\nask.csv,1,", cells.out)
      local json <const> = run("predict run ask.csv --json")
      assert.matches('^%[{"file":"ask.csv","row":1,"tasks":{"bp":{"values":%[', json.out)
      local refused <const> = run("predict run ask.csv --out x")
      assert.equal(1, refused.status)
      assert.matches("%-%-out is for pictures, and the network takes rows of a table", refused.err)
    end)
  end)
end)
