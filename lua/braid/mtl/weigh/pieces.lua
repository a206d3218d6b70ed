--- Pieces: parts of a network of columns that only one task depends on, although the graph of every
-- loss passes through them.
--
-- They are parts of parameters of stacked columns, and weights of a mixer that computes all columns
-- at once. Their gradients are taken out of the rows and added to the parameter unchanged, so that
-- stacked columns and columns in a list give the same numbers. The search for the tasks that depend
-- on a column's block goes from the last block backwards. The output of a column serves its tasks.
-- If a mixer follows, it also serves the tasks of every column that takes from it.

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local groups <const> = require "braid.mtl.columns.groups"
local hints <const> = require "braid.nn.hints"
local mixer_methods <const> = require "braid.mtl.columns.mixer_methods"
local Module <const> = require "braid.nn.module"
local PerColumn <const> = require "braid.mtl.columns.per_column"
local ops <const> = core.ops

local Pieces <const> = class("Pieces")

local function union(into, from)
  for name in pairs(from) do into[name] = true end
end

-- {column = {task = true}} before a mixer, from the same table after it.
local function before_mixer(net, block, behind)
  local before <const> = {}
  for _, name in ipairs(net.names) do before[name] = {} end
  for i, name in ipairs(net.names) do
    for _, source in ipairs(mixer_methods.needs("mtl.weighting", net, block, i, true)) do
      union(before[source], behind[name])
    end
  end
  return before
end

-- Notes the columns whose pieces of a module's tensors serve only one task.
local function note(self, module, columns, serves)
  local own <const> = {}
  for k, name in ipairs(columns) do
    if next(serves[name], next(serves[name])) == nil then own[#own + 1] = k end
  end
  for _, p in ipairs(module:parameters()) do self.own[p] = {places = own, of = #columns} end
end

local function note_modules(self, modules, serves)
  if modules.stacked then note(self, modules.stacked, modules.stacked_names, serves) end
  for _, name in ipairs(modules.order) do
    if modules[name] then note(self, modules[name], {name}, serves) end
  end
end

function Pieces:init(net)
  self.own, self.net = {}, net
  local serves = {}
  for _, name in ipairs(net.names) do
    serves[name] = {}
    for _, task in ipairs(groups.served(net, name)) do serves[name][task] = true end
  end
  local plan <const>, columns <const> = net.recipe.plan, net.columns
  for place = #plan.names, net.recipe.split + 1, -1 do
    local block <const> = plan.names[place]
    local mixer <const> = net.mixer[block]
    for _, key in ipairs(mixer and check.sorted_keys(mixer) or {}) do
      if getmetatable(mixer[key]) == PerColumn then note_modules(self, mixer[key], serves) end
    end
    serves = mixer and before_mixer(net, block, serves) or serves
    if columns.stacked then note(self, columns.stacked[block], columns.stacked_names, serves) end
  end
end

--- Whether columns are stacked.
function Pieces:is_stacked() return self.net.columns.stacked ~= nil end

--- Whether each piece of the parameter belongs to a single task.
function Pieces:alone(p)
  local own <const> = self.own[p]
  return own ~= nil and #own.places == own.of
end

--- Takes the pieces of single tasks out of the rows.
function Pieces:part(shared)
  local taken <const> = {}
  for i, p in ipairs(shared.targets) do
    local own <const> = self.own[p]
    for _, k in ipairs(own and own.places or {}) do
      local n <const> = p:size(1) // own.of
      local total
      for row = 1, #shared.losses do
        local all <const> = core.split_row(shared.rows, row, shared.targets)[i]
        local piece <const> = ops.narrow(all, 1, (k - 1) * n + 1, n)
        total = total and ops.add_(total, piece) or ops.clone(piece)
        ops.fill_(piece, 0)
      end
      taken[#taken + 1] = {p = p, from = (k - 1) * n + 1, n = n, gradient = total}
    end
  end
  return taken
end

--- Adds the pieces that were taken out to the gradients.
function Pieces.give_back(_, taken)
  for _, t in ipairs(taken) do
    ops.add_(ops.narrow(t.p.grad, 1, t.from, t.n), ops.to(t.gradient, t.p.dtype))
  end
end

-- Whether a network has columns with a plan of blocks, as from mtl.columns.
local function is_columns(net)
  return Module.is(net) and rawget(net, "recipe") ~= nil and rawget(net, "columns") ~= nil
end

local known <const> = setmetatable({}, {__mode = "k"})

local M <const> = {}

--- The pieces of a network of columns; nil for other networks.
function M.of(net)
  if not is_columns(net) then return nil end
  local found = known[net]
  if not found or found.now ~= hints.now() then
    found = {now = hints.now(), pieces = Pieces(net)}
    known[net] = found
  end
  return found.pieces
end

return M
