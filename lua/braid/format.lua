--- format(form, ...): string.format that prints every NaN as "nan". On x86 the NaN of 0/0 has a
-- sign, which means nothing. All numbers that Braid prints go through here.

local NAN <const> = string.unpack("n", string.pack("j", 0x7FF8000000000000))

return function(form, ...)
  local values <const> = table.pack(...)
  for i = 1, values.n do
    if values[i] ~= values[i] then values[i] = NAN end
  end
  return form:format(table.unpack(values, 1, values.n))
end
