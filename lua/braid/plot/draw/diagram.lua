--- Draws a network as boxes and lines. The shared part is at the top; below it each column has a
-- lane, with the flows between lanes; the heads are at the bottom.

local format <const> = require "braid.format"
local palette <const> = require "braid.plot.draw.palette"

local M <const> = {}

local LIMIT <const> = 24 -- the most lanes that are drawn

local function colour_of(lane) return (palette.series(lane)) end

-- Layers and parameters of a part: "5x5, 10 (280)".
local function brackets(part) return ("%s (%s)"):format(part.layers, part.count) end

-- Computes the sizes of lanes and boxes and stores them in `g`.
local function measure(g, net, width)
  local m <const>, words = g.m, {}
  local function add(part)
    if m.grid then
      words[#words + 1] = part.name
      words[#words + 1] = brackets(part)
    else
      words[#words + 1] = part.name .. " " .. part.layers
    end
  end
  for _, block in ipairs(net.blocks) do
    for _, part in pairs(block.parts) do add(part) end
  end
  for _, head in ipairs(net.heads) do add(head) end
  local widest = m.measure("nnnnnn")
  for _, w in ipairs(words) do widest = math.max(widest, m.measure(w)) end
  g.box_h = m.grid and 2 * m.line + 8 or 3 * m.line
  g.apart = m.grid and 18 or m.line
  local matrix <const> = g.has_weights and #g.lanes * m.measure("-0.00 ") + 2 * m.gap or 0
  local count <const> = math.max(1, #g.lanes, math.min(g.most, #net.heads))
  local want <const> = widest + (m.grid and 2 * m.gap or 2 * m.step) + 2 * m.gap
  if m.grid then
    g.lane_w, g.matrix = math.min(want, 190), matrix > 0 and #g.lanes <= 8 and matrix or 0
  else
    local least <const> = 10 * m.step
    local fits <const> = count * math.min(want, least) + matrix <= width
    g.matrix = fits and matrix or 0
    g.lane_w = math.max(4 * m.step, math.min(want, (width - g.matrix) / count // m.step * m.step))
  end
end

local function centre(g, i) return g.left + (i - 0.5) * g.lane_w end

local function box(g, x, y, w, part, colour)
  local scene <const>, m <const> = g.scene, g.m
  scene:rect(x - w / 2, y, w, g.box_h, {colour = "box", border = colour, radius = 4,
    title = ("%s: %s, %s parameters"):format(part.name, part.layers, part.count)})
  local room <const> = w - (m.grid and m.gap or 2 * m.step)
  if m.grid then
    scene:text(x, y + 4 + m.line / 2, part.name, {anchor = "middle", bold = true}, room)
    scene:text(x, y + 4 + 1.5 * m.line, brackets(part), {anchor = "middle",
      colour = "muted"}, room)
  else
    local both <const> = part.name .. " " .. part.layers
    scene:text(x, y + 1.5 * m.line, m.measure(both) <= room and both or part.name,
      {anchor = "middle"}, room)
  end
end

-- Draws a line from (x0, y0) to (x1, y1). Its width shows how much flows.
local function flow(g, x0, y0, x1, y1, colour, share, minus)
  g.scene:line({x0, y0, x1, y1}, {colour = colour, width = 0.75 + 3 * (share or 0.25),
    dash = minus and {4, 3} or nil})
end

local function strongest(weights)
  local most = 0
  for _, row in ipairs(weights) do
    for _, v in ipairs(row) do most = math.max(most, v == v and math.abs(v) or 0) end
  end
  return most
end

-- Draws the weights as numbers on coloured cells, at the right of the lanes.
local function matrix(g, weights, y)
  local m <const>, scene <const> = g.m, g.scene
  local w <const>, h <const> = m.measure("-0.00 "), m.line
  local most <const> = math.max(strongest(weights), 1e-9)
  local left <const> = g.left + g.lane_w * #g.lanes + 2 * m.gap
  for i, row in ipairs(weights) do
    for j, v in ipairs(row) do
      local strength <const> = v == v and math.min(1, math.abs(v) / most) * 0.85 or 0
      scene:rect(left + (j - 1) * w, y + (i - 1) * h, w, h, {colour = v < 0 and "cold" or "hot",
        opacity = strength, cell = true})
      scene:text(left + (j - 0.5) * w, y + (i - 0.5) * h, format("%.2f", v), {anchor = "middle",
        colour = strength > 0.55 and "bright" or "ink"})
    end
  end
end

-- Draws a mixer between the boxes above y and the next boxes -> its height.
local function place_mixer(g, mixer, y)
  local m <const>, n <const> = g.m, #g.lanes
  local weights <const> = mixer and mixer.weights
  local tall <const> = g.matrix > 0 and n * m.line or 0
  if not mixer then
    for i in ipairs(g.lanes) do
      flow(g, centre(g, i), y, centre(g, i), y + g.apart, colour_of(i))
    end
    return g.apart
  elseif not weights then
    local h <const> = m.grid and m.line + 6 or 3 * m.line
    for i in ipairs(g.lanes) do
      flow(g, centre(g, i), y, centre(g, i), y + 2 * g.apart + h, colour_of(i))
    end
    g.scene:rect(g.left + m.gap, y + g.apart, n * g.lane_w - 2 * m.gap, h, {colour = "box",
      border = "frame", radius = 8})
    g.scene:text(g.left + n * g.lane_w / 2, y + g.apart + h / 2, mixer.kind, {anchor = "middle"},
      n * g.lane_w - 4 * m.gap)
    return 2 * g.apart + h
  end
  local h <const> = math.max(m.grid and 56 or 3 * m.line, tall + (m.grid and 8 or 0))
  local most <const> = math.max(strongest(weights), 1e-9)
  local offset <const> = g.stream and 1 or 0
  for i, row in ipairs(weights) do
    for j, v in ipairs(row) do
      if v == v and math.abs(v) > 0.02 * most and g.lanes[i + offset] and g.lanes[j + offset] then
        flow(g, centre(g, j + offset), y, centre(g, i + offset), y + h,
          colour_of(j + offset), math.abs(v) / most, v < 0)
      end
    end
  end
  if g.matrix > 0 then matrix(g, weights, y + (h - tall) / 2 // m.line * (m.grid and 1 or 1)
    * m.line) end
  return h
end

local function place_trunk(g, net, y, x)
  local w <const> = math.min(g.total, math.max(g.lane_w * 1.3, g.m.measure(("n"):rep(26))))
  for i, part in ipairs(net.trunk) do
    if i > 1 then
      flow(g, x, y, x, y + g.apart, "frame")
      y = y + g.apart
    end
    box(g, x, y, w, part, "frame")
    y = y + g.box_h
  end
  return y
end

-- Draws the names of the columns above them -> their height.
local function place_names(g, y)
  for i, lane in ipairs(g.lanes) do
    g.scene:text(centre(g, i), y + g.m.line / 2, lane == "" and "shared" or lane,
      {anchor = "middle", colour = "muted"}, g.lane_w - g.m.gap)
  end
  return g.m.line
end

local function place_blocks(g, net, y)
  for k, block in ipairs(net.blocks) do
    for i, lane in ipairs(g.lanes) do
      local part <const> = lane == "" and block.shared or block.parts[lane]
      if part then
        box(g, centre(g, i), y, g.lane_w - 2 * g.m.gap, part, colour_of(i))
      else
        flow(g, centre(g, i), y, centre(g, i), y + g.box_h, colour_of(i))
      end
    end
    y = y + g.box_h
    if k < #net.blocks or block.mixer then y = y + place_mixer(g, block.mixer, y) end
  end
  return y
end

local function lane_of(g, name)
  for i, lane in ipairs(g.lanes) do
    if lane == name then return i end
  end
end

local function place_heads(g, net, y, from, x)
  local apart <const> = math.max(g.apart * 2, g.m.grid and 30 or 2 * g.m.line)
  for k, head in ipairs(net.heads) do
    if k > g.most then break end
    local lane <const> = lane_of(g, head.column)
    local at <const> = #net.heads == #g.lanes and lane and centre(g, lane)
      or g.left + (k - 0.5) * g.total / math.min(g.most, #net.heads)
    if lane or #g.lanes == 0 then
      flow(g, lane and centre(g, lane) or x, from, at, y + apart, colour_of(lane or k))
    end
    box(g, at, y + apart, g.lane_w - 2 * g.m.gap, head, colour_of(lane or k))
    g.scene:text(at, y + apart + g.box_h + g.m.line / 2, head.kind, {anchor = "middle",
      colour = "muted"}, g.lane_w - g.m.gap)
  end
  return #net.heads > 0 and y + apart + g.box_h + g.m.line or y
end

local function lanes_of(net, most)
  local lanes <const>, stream = {}, false
  for _, block in ipairs(net.blocks) do stream = stream or block.shared ~= nil end
  if stream then lanes[1] = "" end
  for i, name in ipairs(net.columns) do
    if #lanes < most then lanes[#lanes + 1] = name end
  end
  return lanes, stream
end

--- Draws {net = the result of network.read} with its corner at (left, top) -> height, width.
function M.place(scene, panel, left, top, width)
  local m <const>, net <const> = scene.medium, panel.net
  local g <const> = {scene = scene, m = m, left = left}
  g.most = m.grid and LIMIT or math.max(1, math.min(LIMIT, width // (4 * m.step)))
  g.lanes, g.stream = lanes_of(net, g.most)
  for _, block in ipairs(net.blocks) do
    g.has_weights = g.has_weights or block.mixer and block.mixer.weights ~= nil
  end
  measure(g, net, width)
  g.total = g.lane_w * math.max(1, #g.lanes, math.min(g.most, #net.heads))
  if #g.lanes == 0 then g.total = math.max(g.total, math.min(width, m.measure(("n"):rep(26)))) end
  local y = top
  local function put(words, style)
    scene:text(left, y + m.line / 2, words, style, math.max(width, g.total))
    y = y + m.line + m.pad
  end
  if panel.title then put(panel.title, {bold = true}) end
  put(panel.note, {colour = "muted"})
  local x <const> = left + g.total / 2
  y = place_trunk(g, net, y, x)
  if #net.trunk > 0 and #g.lanes > 0 then
    for i in ipairs(g.lanes) do flow(g, x, y, centre(g, i), y + 2 * g.apart, colour_of(i)) end
    y = y + 2 * g.apart
  end
  if #g.lanes > 0 then y = place_blocks(g, net, y + place_names(g, y)) end
  y = place_heads(g, net, y, y, x)
  local words <const> = {}
  if g.has_weights then
    words[1] = "lines and numbers: how much the column of a row takes from each column"
  end
  local left_out <const> = math.max(#net.columns, #net.heads) - g.most
  if left_out > 0 then words[#words + 1] = ("%d more to the right"):format(left_out) end
  if #words > 0 then
    y = y + m.pad
    put(table.concat(words, "; "), {colour = "muted"})
  end
  return y - top, math.max(g.total + g.matrix, m.grid and m.measure(panel.note) or 0)
end

return M
