--- Every network in models/, for specs that loop over them: its path, a small input, and facts
-- about it. plain: it works without tasks; small: options that make it small; stacked: it has
-- columns that run as one; slow: counting its parameters takes long.

local INPUT <const> = {
  ["models/tcdcn.lua"] = {shape = {2, 1, 40, 40}},
  ["models/resnet18.lua"] = {shape = {2, 3, 33, 40}, plain = true, small = {width = 0.25}},
  ["models/alexnet.lua"] = {shape = {2, 3, 64, 70}, plain = true,
    small = {width = 0.0625, dropout = 0}},
  ["models/mtcnn.lua"] = {shape = {2, 3, 48, 48}, plain = true},
  ["models/cascade.lua"] = {shape = {2, 1, 40, 40}},
  ["models/cross_stitch.lua"] = {shape = {2, 1, 40, 40}, stacked = true, small = {width = 0.25}},
  ["models/dcnet.lua"] = {shape = {2, 3, 33, 40}, stacked = true, small = {width = 0.125}},
  ["models/mtan.lua"] = {shape = {2, 1, 40, 40}, small = {width = 0.25}},
  ["models/nddr.lua"] = {shape = {2, 1, 40, 40}, stacked = true, small = {width = 0.25}},
  ["models/progressive.lua"] = {shape = {2, 1, 40, 40}, small = {width = 0.25}},
  ["models/sluice.lua"] = {shape = {2, 1, 40, 40}, stacked = true, small = {width = 0.5}},
  ["models/soft_sharing.lua"] = {shape = {2, 1, 40, 40}, stacked = true, small = {width = 0.25}},
  ["models/dmt.lua"] = {shape = {2, 1, 32, 32}, stacked = true, small = {width = 0.25}},
  ["models/hard_sharing.lua"] = {shape = {2, 1, 40, 40}},
  ["models/hyperface.lua"] = {shape = {2, 3, 64, 70},
    small = {width = 0.0625, input = 64, dropout = 0}},
  ["models/kth.lua"] = {shape = {2, 3, 30, 30}, plain = true, small = {width = 0.25, input = 30}},
  ["models/smtn.lua"] = {shape = {2, 3, 16, 16}, plain = true, slow = true, stacked = true,
    small = {width = 0.125, input = 16}},
  ["models/vgg16.lua"] = {shape = {2, 3, 32, 32}, plain = true, slow = true,
    small = {width = 0.0625, dropout = 0}},
}

local M <const> = {known = INPUT}

--- The paths of all definitions.
function M.paths()
  local pipe <const> = assert(io.popen("ls models/*.lua"))
  local paths <const> = {}
  for path in pipe:lines() do paths[#paths + 1] = path end
  pipe:close()
  return paths
end

--- Options that make a network small, and the given ones.
function M.small(path, given)
  local o <const> = {}
  for key, value in pairs(INPUT[path].small or {}) do o[key] = value end
  for key, value in pairs(given) do o[key] = value end
  return o
end

return M
