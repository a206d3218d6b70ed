--- lazy(n, make): a list of n entries that make() computes when one of them is first used.

return function(n, make)
  local made
  return setmetatable({}, {
    __len = function() return n end,
    __index = function(_, key)
      if math.type(key) ~= "integer" or key < 1 or key > n then return nil end
      made = made or make()
      return made[key]
    end,
  })
end
