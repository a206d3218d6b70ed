--- Makes batches of a data set of numbers, as core.loader does for pictures.

local core <const> = require "braid.core"
local class <const> = require "braid.class"

local Rows <const> = class("Rows")

function Rows:init(ds) self.ds, self.queue = ds, {} end

--- Orders a batch of the samples order[first .. last], like core.loader's submit. With `only`, all
-- other labels are marked as missing.
function Rows:submit(order, first, last, _, only)
  table.insert(self.queue, {chosen = order[{ {first, last} }], only = only})
end

-- A label of a batch, with marks for missing values.
local function label_of(t, chosen, kind, given)
  local part <const> = t:index_select(1, chosen)
  if kind ~= "class" then
    local values <const> = part:to("float32")
    return given and values or values * (0 / 0)
  end
  local labels <const> = part:to("int64")
  return labels:masked_fill(given and labels:eq(0) or labels:eq(labels), core.missing_class)
end

function Rows:take()
  local job <const>, ds <const> = table.remove(self.queue, 1), self.ds
  local batch <const> = {input = ds.inputs:index_select(1, job.chosen):to("float32"),
    count = job.chosen:size(1)}
  for name, t in pairs(ds.labels) do
    batch[name] = label_of(t, job.chosen, ds.kinds[name], not job.only or job.only == name)
  end
  return batch
end

function Rows.facts() return 0.0, 0 end
function Rows.close() end

return Rows
