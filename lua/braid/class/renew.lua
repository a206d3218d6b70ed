--- renew(old, now): gives a class of the user's the contents of the class that its changed file has
-- made. Both handles are the same class then, and objects made before have the new methods.

return function(records, keep_fields)
  return function(old, now)
    local r <const>, from <const> = records[old], records[now]
    for _, part in ipairs{"methods", "meta"} do
      for key in next, r[part] do r[part][key] = nil end
      for key, value in next, from[part] do r[part][key] = value end
    end
    if r.meta.__index == from.methods then r.meta.__index = r.methods end
    r.meta.__metatable, r.base = old, from.base
    setmetatable(r.methods, getmetatable(from.methods))
    if from.guarded then keep_fields(r) end
    records[now] = r
  end
end
