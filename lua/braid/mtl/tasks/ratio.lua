--- ratio(a, b): a / b, where what is no number is a NaN that Lua prints as "nan": 0 / 0 is one of
-- the other sign on x86.

local NAN <const> = string.unpack("n", string.pack("j", 0x7FF8000000000000))

return function(a, b)
  local value <const> = a / b
  return value == value and value or NAN
end
