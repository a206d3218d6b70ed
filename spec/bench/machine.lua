--- What machine.c measures: the machine at its best.

local pair <const> = require "spec.bench.pair"

--- {peak_gflops = {1 thread, 2, ...}, triad_gbs = {...}}
return function(o)
  local peak <const>, triad <const> = {}, {}
  local pipe <const> = assert(io.popen(("%s %d"):format(pair.quote(o.machine), o.threads)))
  for line in pipe:lines() do
    local threads <const>, gflops <const>, gbs <const> = line:match("^(%d+) (%S+) (%S+)$")
    peak[tonumber(threads)], triad[tonumber(threads)] = tonumber(gflops), tonumber(gbs)
  end
  if not pipe:close() then error(o.machine .. " has failed", 0) end
  return {peak_gflops = peak, triad_gbs = triad}
end
