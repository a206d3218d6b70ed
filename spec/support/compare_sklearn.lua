--- Compares data.table with pandas and scikit-learn on random tables (compare_sklearn.py).
--
--   build/braid spec/support/compare_sklearn.lua [TABLES]
--
-- Runs the Python of TORCH_PYTHON (default: python3), which must have pandas and scikit-learn.

local braid <const> = require "braid"
local json <const> = require "braid.io.json"
local shell <const> = require "spec.support.shell"

local CLOSE <const> = 1e-6 -- float32 of numbers near 1, and sums in another order

local function compare(dir, case)
  local names <const> = {}
  for _, name in ipairs(case.words) do names[#names + 1] = name end
  local sets <const> = braid.data.table(dir .. "/" .. case.file, {inputs = case.inputs,
    split = "set", indicator = true, categories = #names > 0 and names or nil})
  local at <const>, most, count = {train = 0, val = 0}, 0, 0
  local own <const> = sets.train.input_names
  local rows <const> = {}
  for part, set in pairs(sets) do rows[part] = set.inputs:totable() end
  local wanted = 0
  for _ in pairs(case.columns) do wanted = wanted + 1 end
  assert(wanted == #own, ("%s: %d columns, not %d"):format(case.file, #own, wanted))
  for i, part in ipairs(case.sets) do
    at[part] = at[part] + 1
    for k, name in ipairs(own) do
      local other <const> = assert(case.columns[name], case.file .. ": " .. name)[i]
      local off <const> = math.abs(rows[part][at[part]][k] - other) / math.max(1, math.abs(other))
      if off > CLOSE then
        print(("%s: row %d, %s: %.9g, but scikit-learn's %.9g"):format(case.file, i, name,
          rows[part][at[part]][k], other))
      end
      most, count = math.max(most, off), count + 1
    end
  end
  return most, count
end

shell.in_directory(function(dir)
  local python <const> = os.getenv("TORCH_PYTHON") or "python3"
  local ok <const> = os.execute(("%s spec/support/compare_sklearn.py %s %s"):format(python,
    shell.quote(dir), arg[1] or "200"))
  assert(ok, python .. " has no pandas or scikit-learn: set TORCH_PYTHON")
  local worst, values, tables = 0, 0, 0
  for line in io.lines(dir .. "/tables.jsonl") do
    local most <const>, count <const> = compare(dir, json.decode(line))
    worst, values, tables = math.max(worst, most), values + count, tables + 1
  end
  print(("%d tables, %d numbers: at most %.2g off"):format(tables, values, worst))
  if worst > CLOSE then os.exit(1) end
end)
