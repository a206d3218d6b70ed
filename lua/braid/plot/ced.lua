--- plot.ced: draws cumulative distributions of errors. A curve shows, for each error, the share of
-- faces whose error is not larger.
-- @usage plot.ced("ced.svg", {hard = {0.04, 0.06, 0.12}, dcnet = {0.03, 0.05, 0.09}})
--
-- plot.ced([path,] data, options): data is a list of errors, a tensor (n), the result of mtl.ced, a
-- task's part of a report (its errors), or a table of these by name. The legend has the area under
-- each curve and the share above the limit. Options: limit (0.10), title, xlabel, names, width,
-- theme.
-- @treturn plot.figure|true

local ced <const> = require "braid.mtl.measure.ced"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local public <const> = require "braid.plot.draw.public"
local series <const> = require "braid.plot.draw.series"
local text <const> = require "braid.plot.draw.text"

local WHAT <const>, STEPS <const> = "plot.ced", 400
local OPTIONS <const> = public.declare(WHAT, {
  limit = check.number{0.10, above = 0}, xlabel = check.text("error"),
  names = check.list{of = check.text()},
})

-- A curve from any value that has errors.
local function curve_of(name, value, o)
  if type(value) == "table" and type(value.share) == "table" then return value end
  if type(value) == "table" and value.errors ~= nil then value = value.errors end
  local errors <const> = series.numbers(WHAT, name, value)
  local some = false
  for _, e in ipairs(errors) do some = some or e == e end
  return some and ced(errors, {limit = o.limit, steps = STEPS}) or nil
end

local function is_one(data)
  return core.is_tensor(data) or type(data) == "table" and (type(data[1]) == "number"
    or data.share ~= nil or data.errors ~= nil)
end

return public.define(OPTIONS, function(data, o)
  if not core.is_tensor(data) and type(data) ~= "table" then
    check.fail("%s: wants errors (a list or a tensor), or a table of these by name, not %s", WHAT,
      check.shown(data))
  end
  local all <const> = is_one(data) and {errors = data} or data
  local keys <const>, marks <const>, list <const> = text.names(all), {}, {}
  for i, key in ipairs(keys) do
    local value = all[key]
    if value == nil then value = all[tonumber(key)] end
    local curve <const> = curve_of(key, value, o)
    local name <const> = o.names and o.names[i] or key
    list[i] = {name = curve and format("%s (area %.3f, %.1f%% above)", name, curve.auc,
      100 * curve.failure) or name .. " (no errors)"}
    if curve then
      marks[#marks + 1] = {kind = "line", x = curve.error, y = curve.share, series = i}
    end
  end
  local legend <const> = {}
  for i, s in ipairs(list) do legend[i] = {name = s.name, series = i} end
  return {{marks = marks, legend = legend, xlabel = o.xlabel, ylabel = "share of samples within",
    x = {lim = {0, o.limit}}, y = {lim = {0, 1}}}}
end)
