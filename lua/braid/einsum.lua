--- Einstein sums: einsum("bij,bjk->bik", a, b). Letters name dimensions. A letter that is not in
-- the result is summed over. A letter twice in one operand takes the diagonal. "..." stands for any
-- further dimensions, which broadcast. Without "->" the result has the letters that occur once, in
-- alphabetical order.

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local ops <const> = core.ops

local function fail(message, ...) check.fail("einsum: %s", message:format(...)) end

-- The letters of a term; the dimensions of "..." are named "1" (the last), "2", ...
local function letters_of(term, ndim)
  local labels <const>, bare <const> = {}, term:gsub("%.%.%.", "")
  if bare:find("[^%a]") then fail("'%s' must hold letters and '...' only", term) end
  local rest <const> = ndim - #bare
  local before <const>, dots <const>, after <const> = term:match("^(%a*)(%.*)(%a*)$")
  if not before then fail("'%s' has '...' more than once", term) end
  if rest < 0 or (dots == "" and rest > 0) then
    fail("'%s' names %d dimensions, its operand has %d", term, #bare, ndim)
  end
  for letter in before:gmatch("%a") do labels[#labels + 1] = letter end
  for i = rest, 1, -1 do labels[#labels + 1] = tostring(i) end
  for letter in after:gmatch("%a") do labels[#labels + 1] = letter end
  return labels, rest
end

local function set_of(...)
  local set <const> = {}
  for _, labels in ipairs({...}) do
    for _, label in ipairs(labels) do set[label] = true end
  end
  return set
end

-- The letters of the result, if the equation does not name them.
local function implied(terms, dots)
  local count <const>, labels <const> = {}, {}
  for _, term in ipairs(terms) do
    for _, label in ipairs(term) do count[label] = (count[label] or 0) + 1 end
  end
  for label, n in pairs(count) do
    if n == 1 and label:find("%a") then labels[#labels + 1] = label end
  end
  table.sort(labels)
  for i = 1, dots do table.insert(labels, 1, tostring(i)) end
  return labels
end

-- Takes the diagonals of repeated letters -> {t =, labels =}.
local function diagonal(t, labels)
  labels = table.move(labels, 1, #labels, 1, {})
  local d = 1
  while d <= #labels do
    local twin
    for e = d + 1, #labels do twin = twin or labels[e] == labels[d] and e end
    if not twin then
      d = d + 1
    else
      local n <const>, order <const>, shape <const> = t.shape[d], {}, {}
      if t.shape[twin] ~= n then
        fail("'%s' stands for %d and for %d elements of one operand", labels[d], n,
          t.shape[twin])
      end
      local kept <const> = {}
      for e = 1, #labels do
        if e ~= d and e ~= twin then
          order[#order + 1], shape[#shape + 1] = e, t.shape[e]
          kept[#kept + 1] = labels[e]
        end
      end
      order[#order + 1], order[#order + 2] = d, twin
      shape[#shape + 1] = n * n
      t = ops.narrow(ops.reshape(ops.permute(t, order), shape), -1, 1, n, n + 1)
      kept[#kept + 1] = labels[d]
      labels, d = kept, 1
    end
  end
  return {t = t, labels = labels}
end

-- Sums `a` over the letters that are not in `wanted`.
local function summed(a, wanted)
  local dims <const>, labels <const> = {}, {}
  for d, label in ipairs(a.labels) do
    if wanted[label] then labels[#labels + 1] = label else dims[#dims + 1] = d end
  end
  if #dims == 0 then return a end
  return {t = ops.sum(a.t, dims), labels = labels}
end

-- Orders the dimensions of `a` by groups of letters, broadcasts each to its letter's size, and
-- merges each group into one dimension.
local function arranged(a, size, ...)
  local place <const>, order <const>, wide <const>, merged <const> = {}, {}, {}, {}
  for d, label in ipairs(a.labels) do place[label] = d end
  for g, group in ipairs({...}) do
    merged[g] = 1
    for _, label in ipairs(group) do
      order[#order + 1] = place[label]
      wide[#wide + 1] = size[label]
      merged[g] = merged[g] * size[label]
    end
  end
  return ops.reshape(ops.expand(ops.permute(a.t, order), wide), merged)
end

local function joined(...)
  local all <const> = {}
  for _, labels in ipairs({...}) do table.move(labels, 1, #labels, #all + 1, all) end
  return all
end

-- The product of a and b as one matrix product. Letters that both have form a batch if they are
-- wanted; otherwise they are summed over.
local function product(a, b, size, wanted)
  local in_a <const>, in_b <const> = set_of(a.labels), set_of(b.labels)
  local batch <const>, inner <const>, left <const>, right <const> = {}, {}, {}, {}
  for _, label in ipairs(a.labels) do
    local to <const> = not in_b[label] and left or wanted[label] and batch or inner
    to[#to + 1] = label
  end
  for _, label in ipairs(b.labels) do
    if not in_a[label] then right[#right + 1] = label end
  end
  local y <const> = ops.matmul(arranged(a, size, batch, left, inner),
    arranged(b, size, batch, inner, right))
  local labels <const>, shape <const> = joined(batch, left, right), {}
  for d, label in ipairs(labels) do shape[d] = size[label] end
  return {t = ops.reshape(y, shape), labels = labels}
end

local function sizes_of(terms, tensors)
  local size <const> = {}
  for i, term in ipairs(terms) do
    for d, n in ipairs(tensors[i].shape) do
      local label <const>, known <const> = term[d], size[term[d]] or 1
      if known ~= 1 and n ~= 1 and known ~= n then
        fail("'%s' stands for %d and for %d elements", label:find("%a") and label or "...",
          known, n)
      end
      size[label] = known == 1 and n or known
    end
  end
  return size
end

local function parse(equation, tensors)
  local text <const> = equation:gsub("%s", "")
  local from, to = text:match("^(.-)%->(.*)$")
  from = from or text
  local terms <const>, dots = {}, 0
  for term in (from .. ","):gmatch("([^,]*),") do
    local t <const> = tensors[#terms + 1]
    if not t then fail("'%s' has more operands than the %d given", equation, #tensors) end
    local labels <const>, rest <const> = letters_of(term, t:dim())
    terms[#terms + 1], dots = labels, math.max(dots, rest)
  end
  if #terms ~= #tensors then
    fail("'%s' has %d operands, %d are given", equation, #terms, #tensors)
  end
  if not to then return terms, implied(terms, dots) end
  local bare <const>, known <const> = to:gsub("%.%.%.", ""), set_of(table.unpack(terms))
  local labels <const> = letters_of(to, #bare + (bare ~= to and dots or 0))
  local seen <const> = {}
  for _, label in ipairs(labels) do
    if seen[label] then fail("the result names '%s' twice", label) end
    if not known[label] then fail("the result's '%s' is in no operand", label) end
    seen[label] = true
  end
  return terms, labels
end

local function run(equation, tensors)
  local terms <const>, result <const> = parse(equation, tensors)
  local size <const> = sizes_of(terms, tensors)
  local all
  for i, term in ipairs(terms) do
    local later <const> = set_of(result, table.unpack(terms, i + 1))
    local one = diagonal(tensors[i], term)
    if not all then
      all = summed(one, later)
    else
      for label in pairs(set_of(all.labels)) do later[label] = true end
      one = summed(one, later)
      all = product(all, one, size, set_of(result, table.unpack(terms, i + 1)))
    end
  end
  all = summed(all, set_of(result))
  local place <const>, order <const> = {}, {}
  for d, label in ipairs(all.labels) do place[label] = d end
  for d, label in ipairs(result) do order[d] = place[label] end
  return ops.permute(all.t, order)
end

--- The Einstein sum of some tensors. Several tensors must be float32 or float64.
-- @usage braid.einsum("ij,kj->ik", x, y)
return function(equation, ...)
  local tensors <const> = {...}
  if type(equation) ~= "string" then
    check.fail("einsum: the equation must be a string, not %s", type(equation))
  end
  for i, t in ipairs(tensors) do
    if not core.is_tensor(t) then
      check.fail("einsum: operand %d must be a tensor, not %s", i, type(t))
    end
  end
  return (run(equation, tensors))
end
