--- Marks identify a data set and an order of its samples. A saved state continues only with the
-- data that it came from.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local named <const> = require "braid.data.named"

local M <const> = {}

local STATE <const> = check.declare("data.loader: state", {
  epoch = check.needed(check.whole{from = 0}), seed = check.needed(check.whole{from = 0}),
  samples = check.needed(check.whole{from = 0}), parts = check.list{of = check.whole{from = 0}},
  set = check.needed(check.text()), order = check.needed(check.text()),
})

local known <const> = setmetatable({}, {__mode = "k"}) -- marks by data set

local function crc_of(t, before) return core.crc32(core.bytes(t:contiguous()), before) end

-- A mark of the samples and their order: from all inputs, from the names of the files, or from the
-- bytes of three pictures in memory.
local function pictures_of(ds)
  local crc = 0
  local inputs <const> = named.of(ds)
  for _, name in ipairs(check.sorted_keys(inputs)) do crc = crc_of(inputs[name], crc) end
  if next(inputs) then
    return ("%d samples (%08x)"):format(#ds, crc)
  elseif ds.files then
    crc = core.crc32(ds.files.ends, core.crc32(ds.files.text, crc))
  elseif ds.images then
    local n <const> = ds.images:size(1)
    for _, i in ipairs{1, n // 2 + 1, n} do
      if i <= n and n > 0 then crc = crc_of(ds.images[i], crc) end
    end
  end
  if ds.index then crc = crc_of(ds.index, crc) end
  if ds.shifts then crc = crc_of(ds.shifts, crc) end
  return ("%d samples (%08x)"):format(#ds, crc)
end

local function set_of(ds)
  if not known[ds] then
    local _ <close> = core.scope()
    known[ds] = pictures_of(ds)
  end
  return known[ds]
end

-- A text of the labels that an order depends on.
local function labels_text(sets, names)
  local _ <close> = core.scope()
  local crc = 0
  for _, ds in ipairs(sets) do
    for _, name in ipairs(names) do
      if ds.labels[name] then crc = crc_of(ds.labels[name], crc) end
    end
  end
  return ("%s (%08x)"):format(table.concat(names, ", "), crc)
end

local function names_of(value) return type(value) == "table" and value or {value} end

--- {set = text, order = text} of a data set (or mix) and a loader's options.
function M.of(ds, o)
  local sets <const>, texts <const>, order <const> = ds.parts or {ds}, {}, {}
  for i, part in ipairs(sets) do texts[i] = set_of(part) end
  order[1] = o.shuffle and "shuffled" or "in order"
  for _, name in ipairs{"balanced", "stratify"} do
    if o[name] then
      order[#order + 1] = name .. " by " .. labels_text(sets, names_of(o[name]))
    end
  end
  if o.weights then
    local list <const> = core.is_tensor(o.weights) and o.weights:totable() or o.weights
    local crc = 0
    for _, w in ipairs(list) do crc = core.crc32(string.pack("<d", w), crc) end
    order[#order + 1] = ("weighted (%08x)"):format(crc)
  end
  if ds.parts then
    local shares <const> = {}
    for i, share in ipairs(ds.shares) do shares[i] = format("%.17g", share) end
    order[#order + 1] = ("mixed by %s, %d of %s"):format(ds.by, #ds, table.concat(shares, ":"))
  end
  return {set = table.concat(texts, " and "), order = table.concat(order, ", ")}
end

--- Checks that the saved state o.state belongs to this data set and order, and takes over its epoch
-- and seed -> what was taken: {samples =, parts =}.
function M.resumed(ds, o)
  local state <const> = check.options(STATE, o.state)
  local own <const> = M.of(ds, o)
  if state.set ~= own.set then
    check.fail("data.loader: state belongs to another data set: %s, but this one has %s",
      tostring(state.set), own.set)
  end
  if state.order ~= own.order then
    check.fail("data.loader: state belongs to another order: %s, but this one is %s",
      tostring(state.order), own.order)
  end
  if state.samples >= #ds + o.batch then -- balanced batches may go a little beyond the set
    check.fail("data.loader: state has taken %d samples of %d", state.samples, #ds)
  end
  o.epoch, o.seed = state.epoch, state.seed
  return {samples = state.samples, parts = state.parts}
end

return M
