--- Metrics by the names that users give them: "auc", "f1.macro", "failure.box.0.05".

local check <const> = require "braid.check"
local folder <const> = require "braid.folder"
local metric <const> = require "braid.mtl.measure.parts.metric"

local M <const> = {}

-- Short names for metrics of points.
local SHORT <const> = {distance = "error.none", box_error = "error.box",
  box_failure = "failure.box"}
local OF_POINTS <const> = {auc = "ced_area", area = "ced_area"}

local function all() return require "braid.mtl.measure.metric" end

--- The names of all metrics, or of the metrics of the given forms.
function M.names(forms)
  local names <const> = {}
  for _, name in ipairs(folder.names(all())) do
    local form <const> = all()[name].FORM
    if not forms or forms[form] then names[#names + 1] = name end
    if forms and forms[form] and name == "ced_area" then names[#names + 1] = "auc" end
  end
  table.sort(names)
  return names
end

-- The options in the words after a metric's name. Options are tried in their order: a word goes to
-- the first option that accepts it, and the next word to a later option.
local function options_of(kind, rest)
  local o <const>, at = {}, 1
  while rest ~= "" do
    local word = rest:match("^%d+%.?%d*") or rest:match("^[^.]+") or rest
    local value <const> = math.tointeger(word) or tonumber(word) or word
    local key
    while at <= #kind.WORDS and not key do
      local k <const> = kind.declared.kinds[kind.WORDS[at]]
      key, at = k.accepts(value) and kind.WORDS[at], at + 1
    end
    if not key then return nil, word end
    o[key], rest = value, rest:sub(#word + 2)
  end
  return o
end

local function wrong_word(what, name, kind, word)
  local says <const> = {}
  for _, key in ipairs(kind.WORDS) do
    says[#says + 1] = ("%s (%s)"):format(key, kind.declared.kinds[key].says)
  end
  check.fail("%s: the metric '%s': %s", what, name, #says == 0
    and ("nothing can follow %s"):format(kind.NAME)
    or ("'%s' cannot follow %s; these can: %s"):format(word, kind.NAME, table.concat(says, ", ")))
end

--- Makes the metric with this name. `forms` {form = true} are the possible inputs; `what` is for
-- messages.
function M.metric(what, name, forms, more)
  local first <const>, rest <const> = name:match("^([^.]*)%.?(.*)$")
  local points <const> = forms and forms.points
  local short <const> = SHORT[first] or points and OF_POINTS[first]
  local file <const> = short and short:match("^[^.]*") or first
  local kind <const> = folder.find(all(), file)
  if not kind or name:sub(-1) == "." then
    check.fail("%s: there is no metric '%s'; %s", what, name, check.nearest(first, M.names(forms)))
  end
  if forms and not forms[kind.FORM] then
    check.fail("%s: the metric '%s' measures %s; this task can use %s", what, name, kind.FORM,
      table.concat(M.names(forms), ", "))
  end
  local words <const> = {short and short:match("%.(.+)") or nil}
  if rest ~= "" then words[#words + 1] = rest end
  local o <const>, word <const> = options_of(kind, table.concat(words, "."))
  if not o then wrong_word(what, name, kind, word) end
  for key, value in pairs(more or {}) do o[key] = value end
  return kind(o)
end

--- The metric that a name means for any kind of task, or nil. Reports from files need it.
function M.known(name)
  local ok <const>, found <const> = pcall(M.metric, "mtl.metric", name)
  return ok and found or nil
end

M.is = metric.is

return M
