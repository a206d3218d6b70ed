--- A picture of a metric's means, best first. Bars join networks between which the tests show no
-- difference; with one seed there are no tests and no bars.

local plot <const> = require "braid.plot"
local summary <const> = require "braid.train.statistics.summary"
local tests <const> = require "braid.train.comparing.tests"

-- The longest sequences of neighbouring names in which any two are alike.
local function runs_of(names, alike)
  local runs <const>, reached = {}, 0
  for first = 1, #names do
    local last = first
    local function fits(k)
      for i = first, k - 1 do
        if not alike(names[i], names[k]) then return false end
      end
      return true
    end
    while last < #names and fits(last + 1) do last = last + 1 end
    if last > first and last > reached then
      runs[#runs + 1], reached = table.move(names, first, last, 1, {}), last
    end
  end
  return runs
end

return function(self, path, m)
  local of <const> = self:values(path)
  local data <const>, names <const>, differ <const> = {}, {}, {}
  for _, name in ipairs(self.names) do
    local list <const> = {}
    for _, v in pairs(of[name]) do
      if v - v == 0 then list[#list + 1] = v end
    end
    if #list > 0 then
      table.sort(list)
      local s <const> = summary(list)
      data[#data + 1] = {name = name, mean = s.mean, deviation = s.deviation}
    end
  end
  if #data == 0 then data[1] = {name = "no finite value", mean = 0} end
  table.sort(data, function(a, b)
    if a.mean ~= b.mean then return (a.mean < b.mean) == (m.direction ~= "max") end
    return a.name < b.name
  end)
  for i, row in ipairs(data) do names[i] = row.name end
  for _, r in ipairs(self:tests(path)) do
    if r.n < 2 or tests.differ(r, self.level) then
      differ[r.a .. "\0" .. r.b], differ[r.b .. "\0" .. r.a] = true, true
    end
  end
  local groups <const> = runs_of(names, function(a, b) return not differ[a .. "\0" .. b] end)
  return plot.differences(data, {groups = groups, direction = m.direction or "min",
    percent = m.percent, title = path .. (m.percent and ", %" or "")})
end
