--- Tables that the benchmark prints while it runs. A row appears when it is known.

local M <const> = {}

-- A number with three or four digits; a dash if there is none.
local function number(value, width)
  local text = "-"
  if value then
    local digits <const> = value < 10 and 2 or value < 100 and 1 or 0
    text = ("%." .. (value < 1 and 3 or digits) .. "f"):format(value)
  end
  return (" "):rep(width - #text) .. text
end

local function left(text, width) return text .. (" "):rep(width - utf8.len(text)) end
local function right(text, width) return (" "):rep(width - utf8.len(text)) .. text end

-- A table with columns {title, width}, the first for names. row(name, values...) prints the head
-- before the first row. A value that is a string is printed unchanged.
local function lines(title, columns)
  local begun = false
  return function(name, ...)
    if not begun then
      begun = true
      local head <const> = {left(title, columns[1])}
      for i = 2, #columns do head[i] = right(columns[i][1], columns[i][2]) end
      print("\n" .. table.concat(head, "  "))
      print(("-"):rep(utf8.len(table.concat(head, "  "))))
    end
    local cells <const> = {left(name, columns[1])}
    for i = 2, #columns do
      local value <const> = select(i - 1, ...)
      cells[i] = type(value) == "string" and right(value, columns[i][2])
        or number(value, columns[i][2])
    end
    print(table.concat(cells, "  "))
    io.flush()
  end
end

local function times(x) return x and ("%.2fx"):format(x) or "-" end

local function percent(x) return x and ("%.0f%%"):format(100 * x) or "" end

--- Prints the machine's best speed, and what Braid is compared with.
function M.start(o, machine)
  print(("Braid on %d thread%s, %s; the machine at its best: %.0f GFLOP/s, %.1f GB/s."):format(
    o.threads, o.threads == 1 and "" or "s", o.isa, machine.peak_gflops[o.threads],
    machine.triad_gbs[o.threads]))
  print(o.torch and "Against PyTorch " .. o.torch ..
    (o.quick and "." or ", the better of its two memory formats.")
    or "No PyTorch (TORCH_PYTHON= names the interpreter that has it): our columns only.")
end

--- Rows of training steps. "own" is the memory beyond that of the loaded libraries.
function M.networks()
  local row <const> = lines("training step, ms (median)", {27, {"batch", 5}, {"Braid", 7},
    {"PyTorch", 7}, {"ratio", 6}, {"of least", 8}, {"Braid MB", 8}, {"PyTorch", 7}, {"own", 5},
    {"own", 5}, {"", 13}})
  return function(r, title)
    row(title, tostring(r.batch), r.braid_ms, r.torch_ms, times(r.ratio), times(r.ratio_least),
      r.braid_mb, r.torch_mb, r.braid_own_mb, r.torch_own_mb, r.torch_format or "")
  end
end

--- Prints and returns the geometric mean of the ratios; nil if there are none.
function M.mean(rows)
  local sum = 0
  for _, r in ipairs(rows) do
    if not r.ratio then return nil end
    sum = sum + math.log(r.ratio)
  end
  if #rows == 0 then return nil end
  local mean <const> = math.exp(sum / #rows)
  print(("the geometric mean of the ratios is %.2fx"):format(mean))
  return mean
end

function M.inference()
  local row <const> = lines("one image, ms (median)", {27, {"Braid", 7}, {"PyTorch", 7},
    {"ratio", 6}, {"of least", 8}, {"", 13}})
  return function(r, title)
    row(title, r.braid_ms, r.torch_ms, times(r.ratio), times(r.ratio_least),
      r.torch_format or "")
  end
end

function M.convolutions()
  local row <const> = lines("convolution, GFLOP/s", {44, {"forward", 7}, {"", 4}, {"input", 6},
    {"", 4}, {"weight", 6}, {"", 4}})
  return function(name, r)
    row(name, r.forward.gflops, percent(r.forward.share), r.input and r.input.gflops,
      r.input and percent(r.input.share) or "", r.weight.gflops, percent(r.weight.share))
  end
end

function M.operators()
  local row <const> = lines("operator", {44, {"ms", 7}, {"GFLOP/s", 7}, {"GB/s", 7}, {"share", 5}})
  return function(r) row(r.name, r.ms, r.gflops, r.gbs, percent(r.share)) end
end

function M.threads()
  local row <const> = lines("training step by threads, ms", {27, {"one", 7}, {"all", 7},
    {"ratio", 6}})
  return function(r, title) row(title, r.one_ms, r.all_ms, times(r.ratio)) end
end

--- Columns in a list, and stacked columns.
function M.columns()
  local row <const> = lines("training step by form, ms", {31, {"list", 7}, {"stacked", 7},
    {"ratio", 6}})
  return function(r, title) row(title, r.list_ms, r.stacked_ms, times(r.ratio)) end
end

--- Steps with weighed gradients: their time, also as a multiple of a plain step; the multiple that
-- theory gives; and the times of torchjd's two engines as multiples of ours.
function M.weightings()
  local row <const> = lines("weighed step, ms", {47, {"Braid", 7}, {"plain x", 7}, {"theory", 6},
    {"autojac", 8}, {"autogram", 8}, {"MB", 5}, {"autojac", 8}})
  return function(r, title, count)
    row(title, r.braid_ms, times(r.overhead), times((1 + 2 * count) / 3),
      times(r.autojac_ms and r.autojac_ms / r.braid_ms),
      times(r.autogram_ms and r.autogram_ms / r.braid_ms), r.braid_mb, r.autojac_mb)
  end
end

--- A step of train.fit, without and with a directory, and a step of the plain loop.
function M.fit()
  local row <const> = lines("step of a training, ms", {27, {"plain", 7}, {"fit", 7}, {"ratio", 7},
    {"dir", 7}, {"ratio", 7}})
  local function ratio(a, b) return ("%.3fx"):format(a / b) end
  return function(r, title)
    row(title, r.plain_ms, r.fit_ms, ratio(r.fit_ms, r.plain_ms), r.dir_ms,
      ratio(r.dir_ms, r.plain_ms))
  end
end

function M.overhead()
  local row <const> = lines("overhead", {27, {"Braid", 10}, {"PyTorch", 10}})
  local function time(value, unit) return value and ("%.2f %s"):format(value, unit) or "-" end
  return function(r) row(r.name, time(r.braid, r.unit), time(r.torch, r.unit)) end
end

return M
