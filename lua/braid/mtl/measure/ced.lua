--- mtl.ced: the cumulative distribution of errors, the share of faces up to each error.
--
-- mtl.ced(errors, {limit = 0.10, steps = 100}) -> {error = {0, ..., limit}, share = {...}, auc,
-- failure, left_out}. errors is a list of numbers or a tensor (n), such as report.landmarks.errors
-- or box_errors. left_out counts the errors that are NaN, which all other fields ignore. auc is the
-- exact area under the curve up to the limit, divided by the limit; it does not depend on the
-- steps. failure is the share of errors above the limit.
-- @usage mtl.ced({0.04, 0.06, 0.12}).failure

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local NUMBER <const> = check.number{infinite = true, nan = true}
local OPTIONS <const> = check.declare("mtl.ced", {
  errors = check.argument(check.either(check.list{of = NUMBER, least = 1},
    check.kind("a tensor of numbers (n)", function(v)
      return core.is_tensor(v) and v:dim() == 1 and v.dtype ~= "bool"
    end))),
  limit = check.number{0.10, above = 0}, steps = check.whole{100, from = 1, to = 1000000},
})

return function(errors, given)
  local o <const> = check.options(OPTIONS, given, {errors = errors})
  local sorted <const>, area = {}, 0.0
  local all <const> = core.is_tensor(errors) and errors:totable() or errors
  for _, e in ipairs(all) do
    if e == e then
      sorted[#sorted + 1] = e
      area = area + math.max(0, o.limit - e)
    end
  end
  if #sorted == 0 then
    check.fail("mtl.ced: all errors are NaN, so no face has an error to count")
  end
  table.sort(sorted)
  local curve <const>, within = {error = {}, share = {}}, 0
  for k = 0, o.steps do
    local limit <const> = k == o.steps and o.limit or o.limit * k / o.steps
    while within < #sorted and sorted[within + 1] <= limit do within = within + 1 end
    curve.error[k + 1], curve.share[k + 1] = limit, within / #sorted
  end
  curve.left_out = #all - #sorted
  curve.auc = area / (o.limit * #sorted)
  curve.failure = 1 - curve.share[o.steps + 1]
  return curve
end
