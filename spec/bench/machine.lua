--- The best speed of the machine, as machine.c measures it. The best of all measurements so far
-- counts, because other programs can only slow a measurement down. A file beside the program keeps
-- it.

local pair <const> = require "spec.bench.pair"

local function read(lines, best)
  for line in lines do
    local threads <const>, gflops <const>, gbs <const> = line:match("^(%d+) (%S+) (%S+)$")
    local i <const> = math.tointeger(tonumber(threads))
    best.peak_gflops[i] = math.max(best.peak_gflops[i] or 0, tonumber(gflops))
    best.triad_gbs[i] = math.max(best.triad_gbs[i] or 0, tonumber(gbs))
  end
end

--- {peak_gflops = {1 thread, 2, ...}, triad_gbs = {...}}
return function(o)
  local best <const> = {peak_gflops = {}, triad_gbs = {}}
  local pipe <const> = assert(io.popen(("%s %d"):format(pair.quote(o.machine), o.threads)))
  read(pipe:lines(), best)
  if not pipe:close() then error(o.machine .. " has failed", 0) end
  local past <const> = io.open(o.machine .. ".best")
  if past then
    read(past:lines(), best)
    past:close()
  end
  local file <const> = assert(io.open(o.machine .. ".best", "w"))
  for i, gflops in ipairs(best.peak_gflops) do
    file:write(("%d %.1f %.1f\n"):format(i, gflops, best.triad_gbs[i]))
  end
  file:close()
  return best
end
