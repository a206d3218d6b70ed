--- How tensors print.

local EDGE <const> = 3 -- elements shown at each end of a long dimension
local THRESHOLD <const> = 1000 -- a tensor with more elements shows only the ends
-- the most elements shown; with many dimensions the ends become shorter
local MAX_SHOWN <const> = 10000

-- The number of elements shown at each end, for a tensor of n dimensions.
local function edge_for(n)
  local edge = EDGE
  while edge > 1 and (2 * edge) ^ n > MAX_SHOWN do edge = edge - 1 end
  return edge
end

-- The shown indices of a dimension of size n: all of them without `edge`, otherwise `edge` at each
-- end, with false for the dots between.
local function visible(n, edge)
  local list <const> = {}
  local whole <const> = not edge or n <= 2 * edge
  for i = 1, whole and n or edge do list[i] = i end
  if whole then return list end
  list[#list + 1] = false
  for i = n - edge + 1, n do list[#list + 1] = i end
  return list
end

-- A function that prints all values in the same way: integers plainly, other numbers with four
-- decimals, or with powers of ten if their sizes differ much.
local function number_format(values)
  local whole, largest, smallest = true, 0, math.huge
  for _, v in ipairs(values) do
    local size <const> = type(v) == "number" and math.abs(v) or 0
    if size == size and size < math.huge then
      if v ~= true and v ~= false and size ~= math.floor(size) then whole = false end
      largest = math.max(largest, size)
      if size > 0 then smallest = math.min(smallest, size) end
    end
  end
  local scientific <const> = largest >= 1e8 or
    (largest > 0 and not whole and (largest / smallest > 1e5 or smallest < 1e-4))
  return function(v)
    if type(v) == "boolean" then return tostring(v) end
    if math.type(v) == "integer" then return tostring(v) end
    if v ~= v then return "nan" end
    if v == math.huge then return "inf" elseif v == -math.huge then return "-inf" end
    if scientific then return ("%.4e"):format(v) end
    if whole then return ("%.0f."):format(v) end
    return ("%.4f"):format(v)
  end
end

local function part_of(t, shape, edge)
  local out <const> = {}
  for _, i in ipairs(visible(shape[1], edge)) do
    if not i then
      out[#out + 1] = "..."
    elseif #shape == 1 then
      out[#out + 1] = t[i]:item()
    else
      out[#out + 1] = part_of(t[i], table.move(shape, 2, #shape, 1, {}), edge)
    end
  end
  return out
end

local function collect(nested, into)
  for _, v in ipairs(nested) do
    if type(v) == "table" then collect(v, into) elseif v ~= "..." then into[#into + 1] = v end
  end
  return into
end

local function lines_of(nested, format, width, indent)
  if type(nested[1]) ~= "table" then
    local words <const> = {}
    for i, v in ipairs(nested) do
      local text <const> = v == "..." and v or format(v)
      words[i] = (" "):rep(width - #text) .. text
    end
    return "[" .. table.concat(words, ", ") .. "]"
  end
  local rows <const> = {}
  for i, v in ipairs(nested) do
    rows[i] = v == "..." and v or lines_of(v, format, width, indent .. " ")
  end
  return "[" .. table.concat(rows, ",\n" .. indent .. " ") .. "]"
end

local function describe(t)
  local words <const> = {("tensor {%s} %s"):format(table.concat(t.shape, ", "), t.dtype)}
  if t.grad_fn then words[#words + 1] = "grad: " .. t.grad_fn
  elseif t.requires_grad then words[#words + 1] = "requires_grad" end
  return table.concat(words, "  ")
end

--- The text of a tensor: its values as PyTorch prints them (abbreviated beyond 1,000), and a line
-- with shape, type and the operator for the gradient.
return function(t)
  local shape <const>, n <const> = t.shape, t:numel()
  if n == 0 then return describe(t) .. "\n[]" end
  local plain <const> = t:detach()
  local nested <const> = #shape == 0 and {plain:item()}
    or part_of(plain, shape, n > THRESHOLD and edge_for(#shape) or nil)
  local flat <const> = collect(nested, {})
  local format <const> = number_format(flat)
  if #shape == 0 then return describe(t) .. "\n" .. format(flat[1]) end
  local width = 0
  for _, v in ipairs(flat) do width = math.max(width, #format(v)) end
  return describe(t) .. "\n" .. lines_of(nested, format, width, "")
end
