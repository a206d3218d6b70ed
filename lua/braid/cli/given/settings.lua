--- Settings in one argument: "width=0.5 norm activation=ReLU".

local check <const> = require "braid.check"

local WORDS <const> = {yes = true, ["true"] = true, no = false, ["false"] = false}

--- A table of the settings in a text: numbers, true and false (yes and no), words; a name alone is
-- true. `option` is the argument that has them.
return function(option, text)
  local settings <const> = {}
  for item in (text or ""):gmatch("[^%s,]+") do
    local name <const>, value = item:match("^([%a_][%w_]*)=?(.*)$")
    if not name or item:sub(-1) == "=" then
      check.fail("--%s must be settings such as \"width=0.5 norm\", and '%s' is none", option, item)
    end
    if value == "" then value = "yes" end
    local converted = WORDS[value]
    if converted == nil then converted = tonumber(value) or value end
    settings[name] = converted
  end
  return settings
end
