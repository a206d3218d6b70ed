--- Five landmarks one by one: shares within a tenth of the distance between the eyes, and pictures.
local braid <const> = require "braid"
local data <const>, plot <const> = braid.data, braid.plot

local M <const> = {NAMES = {"left eye", "right eye", "nose", "left mouth", "right mouth"}}

--- net's shares on a data set, {["left eye"] = 0.93, ..., mean =}.
function M.shares(net, set, size)
  local batches <const> = data.loader(set, {batch = 64, size = size})
  local report <const> = net.tasks:evaluate(net, batches).landmarks
  local shares <const> = {mean = report.point_accuracy}
  for i, share in ipairs(report.points) do shares[M.NAMES[i]] = share end
  return shares
end

--- Columns of e:beside for "SHARES.left eye" and so on. printed: {ROW = {six numbers}}.
function M.columns(task, printed)
  local columns <const> = {}
  for i, name in ipairs(table.move({"mean"}, 1, 1, 6, table.move(M.NAMES, 1, 5, 1, {}))) do
    local own <const> = {}
    for row, numbers in pairs(printed) do own[row] = numbers[i] end
    columns[i] = {metric = task .. "." .. name, title = name, percent = true, direction = "max",
      printed = own}
  end
  return columns
end

--- A figure of the shares by point, bars of means with the lowest and highest seed; nil for no
-- results.
function M.bars(r, task, networks, title)
  local groups <const> = {}
  for _, point in ipairs(M.NAMES) do
    local metric <const> = task .. "." .. point
    local of <const> = r and r.known[metric] and r:values(metric) or {}
    for _, network in ipairs(networks) do
      local sum, count, low, high = 0.0, 0, math.huge, -math.huge
      for _, v in pairs(of[network] or {}) do
        sum, count, low, high = sum + v, count + 1, math.min(low, v), math.max(high, v)
      end
      if count > 0 then
        groups[point] = groups[point] or {}
        groups[point][network] = {value = sum / count, low = low, high = high}
      end
    end
  end
  return next(groups) and plot.bars(groups, {title = title}) or nil
end

--- Draws the first faces of a data set with net's points (red) and the true ones (green).
function M.draw(path, net, set, size, n)
  local shown <const> = data.loader(set, {batch = n or 8, size = size, whiten = false})()
  local seen <const> = data.loader(set, {batch = n or 8, size = size})()
  local _ <close> = net:evaluating()
  local points <const> = braid.no_grad(function()
    return net.tasks.landmarks:places(net(seen.image).landmarks)
  end)
  plot.landmarks(path, shown.image, shown.landmarks, points)
end

return M
