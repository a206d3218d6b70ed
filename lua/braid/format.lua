--- format(form, ...): string.format, in which every NaN is "nan", whatever its sign. x86 gives 0/0
-- one, and means nothing by it. All that Braid prints of numbers goes through here.

local NAN <const> = string.unpack("n", string.pack("j", 0x7FF8000000000000))

return function(form, ...)
  local values <const> = table.pack(...)
  for i = 1, values.n do
    if values[i] ~= values[i] then values[i] = NAN end
  end
  return form:format(table.unpack(values, 1, values.n))
end
