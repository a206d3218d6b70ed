--- reload(name): loads a module again; its table or class stays the same and gets the new fields.

local modules <const> = require "braid.repl.modules"

return function(_, name) return modules.reload(name) end
