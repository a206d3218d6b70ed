--- Shows the rendered faces that come with Braid, with their landmarks: writes build/faces.png.
local braid <const> = require "braid"

local o <const> = braid.train.arguments(arg, {n = 40, seed = 1, size = 96, out = "build/faces.png"})

local faces <const> = braid.data.faces{n = o.n, seed = o.seed, size = o.size, channels = 3}.train
local points <const> = (faces.labels.landmarks * 2 + 1) / o.size - 1 -- pixels to [-1, 1]
braid.plot.landmarks(o.out, faces.images, points, nil, {columns = 10, side = o.size})
print("wrote " .. o.out)
