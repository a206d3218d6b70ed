--- Gives one of Braid's classes, by its name, methods that belong to a higher layer. The class's
-- file may be read before or after this.

return function(records, extensions)
  return function(name, methods)
    extensions[name] = methods
    for _, r in next, records do
      if r.own and not r.base and r.name == name then
        for key, f in next, methods do r.methods[key] = f end
      end
    end
  end
end
