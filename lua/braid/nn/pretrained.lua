--- Puts weights into a module whose tensors may have other names.
--
-- A module's tensors are looked up by its own names, and by their names in the backbones that the
-- module has or was made from, with the aliases of each (aliases.lua). The names of the weights may
-- have any prefix, such as "module.", "features.", "trunk." or "columns.pose."; the prefix that
-- finds most tensors is used. If the weights come from a network of columns, a column takes the
-- shared trunk or stream, or the column of its own name.
--
-- The weights must have every convolution of a backbone, in the same shape. Other layers may be
-- missing, and also parts of the module that are not of the backbone, such as the output of a
-- classifier. The report lists what is missing.

local aliases <const> = require "braid.nn.aliases"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local places <const> = require "braid.nn.places"
local Report <const> = require "braid.nn.report"

local M <const> = {}

-- ---- names --------------------------------------------------------------------------------

-- A module's tensors {path, t}; its counters; the plans of backbones that it was made from; and for
-- each plan the names by path.
local function contents(module)
  local own <const>, counters <const>, plans <const>, names <const> = {}, {}, {}, {}
  places.each_tensor(module, function(path, t, buffer)
    local entry <const> = {path = path, t = t}
    if buffer == "counter" then counters[#counters + 1] = entry else own[#own + 1] = entry end
    for _, place in ipairs(places.of(t)) do
      if not names[place.plan] then
        plans[#plans + 1], names[place.plan] = place.plan, {}
      end
      names[place.plan][path] = place.name
    end
  end)
  return own, counters, plans, names
end

local function is_convolution(entry)
  return entry.path:match("[^.]*$") == "weight" and entry.t:dim() > 2
end

-- One way to name a module's tensors: {entries = {{path, t, name, needed}...}, counters}.
local function view_of(own, counters, name, needed)
  local view <const> = {entries = {}, counters = {}}
  for list, from in pairs{[view.entries] = own, [view.counters] = counters} do
    for _, entry in ipairs(from) do
      local given <const> = name(entry.path)
      if given then
        list[#list + 1] = {path = entry.path, t = entry.t, name = given,
          needed = needed(entry), convolution = is_convolution(entry)}
      end
    end
  end
  return view
end

-- All ways to name a module's tensors: by their paths in the module, and by their names in the
-- backbones that it was made from.
local function views(module)
  local own <const>, counters <const>, plans <const>, names <const> = contents(module)
  local list <const> = {view_of(own, counters, function(path) return path end, function(entry)
    local any = #plans == 0 and is_convolution(entry)
    for _, plan in ipairs(plans) do any = any or names[plan][entry.path] ~= nil end
    return any
  end)}
  for _, plan in ipairs(plans) do
    local function add(rename)
      list[#list + 1] = view_of(own, counters, function(path)
        local name <const> = names[plan][path]
        return name and rename(name)
      end, function() return true end)
    end
    add(function(name) return name end)
    for _, alias in ipairs(plan.aliases) do
      add(function(name) return aliases.name(alias, name) end)
    end
  end
  return list, own
end

-- ---- which weights ------------------------------------------------------------------------

-- The prefixes before a view's names in the names of the weights.
local function prefixes_of(view, state)
  local wanted <const>, found <const> = {}, {}
  for _, entry in ipairs(view.entries) do wanted[entry.name] = true end
  for name in pairs(state) do
    local at = type(name) == "string" and 1 or nil
    while at do
      if wanted[name:sub(at)] then found[name:sub(1, at - 1)] = true end
      at = name:find(".", at, true)
      at = at and at + 1
    end
  end
  return check.sorted_keys(found)
end

local function column_of(prefix) return prefix:match("^(.-)columns%.([^.]+)%.$") end

-- Finds the name in the weights for a view's name under a prefix, or nil. A column, or the stream
-- beside the columns, continues the trunk, so its first blocks are found in the trunk.
local function given_name(state, prefix, name)
  if state[prefix .. name] then return prefix .. name end
  local root <const> = column_of(prefix) or prefix:match("^(.-)shared%.$")
  local other <const> = root and root .. "trunk." .. name
  return other and state[other] and other
end

local function same_shape(a, b)
  if a:dim() ~= b:dim() then return false end
  for d = 1, a:dim() do
    if a:size(d) ~= b:size(d) then return false end
  end
  return true
end

-- How well the weights fit a view: the number of its tensors that the weights have, plus SHAPE for
-- each of these tensors that has the same shape. The second result tells whether the weights have
-- every convolution that is needed.
local SHAPE <const> = 2 ^ -20
local function score(view, state, prefix)
  local total, whole = 0, true
  for _, entry in ipairs(view.entries) do
    local name <const> = given_name(state, prefix, entry.name)
    if name then total = total + 1 + (same_shape(state[name], entry.t) and SHAPE or 0) end
    whole = whole and (name or not (entry.convolution and entry.needed))
  end
  return total, whole
end

-- Chooses between prefixes that fit equally well: the only one outside the columns, or else the
-- column's own.
local function decide(what, weights, prefixes, column)
  local plain <const>, columns <const>, own = {}, {}, nil
  for _, prefix in ipairs(prefixes) do
    local _, name <const> = column_of(prefix)
    if name then columns[#columns + 1] = name else plain[#plain + 1] = prefix end
    if name and name == column then own = prefix end
  end
  if #plain == 1 then return plain[1] end
  if #plain > 1 then
    check.fail("%s: pretrained: %s has the weights %d times, under '%s': give a table of one set",
      what, weights.text, #plain, table.concat(plain, "', '"))
  end
  if #columns == 1 or own then return own or prefixes[1] end
  check.fail("%s: pretrained: %s has columns of %s%s: choose one, by net:extract{\"%s\"} or a "
    .. "table of its tensors", what, weights.text, table.concat(columns, ", "),
    column and " but none of " .. column or "", columns[1])
end

--- Finds the view of a module and the prefix that fit the weights best: {view, prefix, own}.
-- @param column the name of the column that the module belongs to, or nil
function M.choose(what, module, weights, column)
  local best, most, complete, found = nil, 0, false, {}
  local list <const>, own <const> = views(module)
  for _, view in ipairs(list) do
    for _, prefix in ipairs(prefixes_of(view, weights.state)) do
      local points <const>, whole <const> = score(view, weights.state, prefix)
      if points > most then best, most, complete, found = view, points, whole, {} end
      if points == most and view == best then found[#found + 1] = prefix end
    end
  end
  if not best then
    module:apply(function(m)
      if not m.unsized then return end
      check.fail("%s: pretrained: the backbone has layers that wait for their first input: give it "
        .. "input = {height, width}", what)
    end)
    local names <const> = check.sorted_keys(weights.state)
    check.fail("%s: pretrained: no tensor of %s belongs to this backbone: its names are %s; the "
      .. "backbone's are %s", what, weights.text, #names > 0 and Report.some(names) or "none",
      Report.some(check.sorted_keys(module:state_dict())))
  end
  local prefix <const> = complete and decide(what, weights, found, column) or found[1]
  return {view = best, prefix = prefix, own = own}
end

-- Whether the weights have every tensor of a view under a prefix, in its shape.
local function is_whole(view, state, prefix)
  for _, entry in ipairs(view.entries) do
    local t <const> = state[prefix .. entry.name]
    if not core.is_tensor(t) or not same_shape(t, entry.t) then return false end
  end
  return true
end

--- The names by which weights have all tensors of a module, {path in the module = name}; or nil if
-- some are missing, or there are several such sets.
function M.names(module, state)
  local list <const>, own <const> = views(module)
  for _, view in ipairs(list) do
    local found <const>, names <const> = {}, {}
    for _, prefix in ipairs(#view.entries == #own and prefixes_of(view, state) or {}) do
      if is_whole(view, state, prefix) then found[#found + 1] = prefix end
    end
    if #found > 1 then return nil end
    for _, entries in ipairs(found[1] and {view.entries, view.counters} or {}) do
      for _, entry in ipairs(entries) do names[entry.path] = found[1] .. entry.name end
    end
    if found[1] then return names end
  end
end

-- ---- copying ------------------------------------------------------------------------------

local function shape_text(t) return "(" .. table.concat(t.shape, ", ") .. ")" end

local function unfit(what, weights, entry, name)
  local value <const>, t <const> = weights.state[name], entry.t
  local hint = ""
  if entry.convolution and value:dim() == t:dim() and value:size(1) == t:size(1)
    and value:size(2) == 3 and t:size(2) == 1 then
    hint = (": they are for colour, and this network takes gray pictures. Make it with channels = "
      .. "3; or sum them over the colours, which is the same for a gray picture: "
      .. "w[\"%s\"] = w[\"%s\"]:sum(2, {keepdim = true}) in the table w that braid.load gives")
      :format(name, name)
  end
  check.fail("%s: pretrained: %s of %s has shape %s, the network's %s %s%s", what, name,
    weights.text, shape_text(value), entry.path, shape_text(t), hint)
end

-- Raises the error about convolutions that the weights lack.
local function lacking(what, weights, choice, left)
  local norm, own = false, false
  for name in pairs(weights.state) do norm = norm or name:find("running_mean$") ~= nil end
  for _, entry in ipairs(choice.own) do own = own or entry.path:find("running_mean$") ~= nil end
  check.fail("%s: pretrained: %s lacks convolutions of the backbone: %s. It has %s%s", what,
    weights.text, Report.some(left), Report.some(check.sorted_keys(weights.state)), norm and not own
    and "; it is of a network with batch norm, and the backbone has none (norm = true?)" or "")
end

-- The entries of the chosen view that the weights have.
local function gather(what, weights, choice)
  local state <const>, found <const>, taken <const>, left <const> = weights.state, {}, {}, {}
  for _, entry in ipairs(choice.view.entries) do
    local name <const> = given_name(state, choice.prefix, entry.name)
    if name then
      found[#found + 1] = {entry = entry, name = name}
    elseif entry.convolution and entry.needed then
      left[#left + 1] = entry.path
    end
  end
  if #left > 0 then lacking(what, weights, choice, left) end
  for _, f in ipairs(found) do
    local value <const>, fits <const> = state[f.name], same_shape(state[f.name], f.entry.t)
    if not fits and f.entry.needed then unfit(what, weights, f.entry, f.name) end
    if value.dtype ~= "float32" and value.dtype ~= "float64" then
      check.fail("%s: pretrained: %s of %s is %s, not in floating point", what, f.name,
        weights.text, value.dtype)
    end
    if fits then taken[#taken + 1] = {t = f.entry.t, name = f.name, path = f.entry.path} end
  end
  return taken
end

-- The names of weights that were not used, without counters.
local function unused(state, used)
  local list <const> = {}
  for _, name in ipairs(check.sorted_keys(state)) do
    if not used[name] and not name:find("num_batches_tracked$") then list[#list + 1] = name end
  end
  return list
end

--- Copies weights into a module as M.choose decided -> the report.
function M.copy(what, weights, choice)
  local taken <const> = gather(what, weights, choice)
  local used <const>, filled <const>, fresh <const> = {}, {}, {}
  local _ <close> = grad.no_grad()
  for _, entry in ipairs(taken) do
    entry.t:copy_(weights.state[entry.name])
    used[entry.name], filled[entry.path] = true, true
  end
  for _, entry in ipairs(choice.view.counters) do
    local name <const> = given_name(weights.state, choice.prefix, entry.name)
    if name and same_shape(weights.state[name], entry.t) then entry.t:copy_(weights.state[name]) end
  end
  for _, entry in ipairs(choice.own) do
    if not filled[entry.path] then fresh[#fresh + 1] = entry.path end
  end
  return Report{source = weights.text, used = #taken, of = #choice.own, fresh = fresh,
    unused = unused(weights.state, used)}
end

--- Chooses weights for one module and copies them into it -> the report.
function M.load(what, module, weights, column)
  return M.copy(what, weights, M.choose(what, module, weights, column))
end

return M
