--- data.faces: rendered faces, parametric heads in five poses, with exact landmarks and labels.
--
-- data.faces{n = 20000, seed = 1} -> {train =, val =, test =}: n faces to train on; val and test
-- have an eighth of n, or as many as `val` and `test` say. All faces differ. The labels are those
-- of MTFL: landmarks (left eye, right eye, nose, left and right mouth corner, as seen in the
-- image), gender (1 male, 2 female), smile and glasses (1 yes, 2 no), pose (1 left profile ... 3
-- frontal ... 5 right profile). size is the side in pixels (16 to 512), channels 1 or 3. The same
-- seed gives the same faces for every n.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.faces{n = 100, size = 40, seed = 1}.train[1]

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local Dataset <const> = require "braid.data.dataset"
local schemes <const> = require "braid.data.schemes"

local FAR <const> = 1 << 32 -- the number of a seed's first validation face; test faces: 2 * FAR

local function render(seed, first, n, o)
  local images <const>, points <const>, labels <const> =
    core.faces(seed, first, n, o.size, o.channels)
  local function column(i) return labels[{ {}, i }]:clone() end
  return Dataset{images = images, labels = {
    landmarks = points, gender = column(1), smile = column(2), glasses = column(3),
    pose = column(4),
  }, classes = schemes.CLASSES, points = {landmarks = schemes.FIVE}, flips = {pose = schemes.POSE}}
end

local OPTIONS <const> = check.declare("data.faces", {
  n = check.whole{20000, from = 1, to = FAR}, seed = check.whole{1, from = 0},
  size = check.whole{64, from = 16, to = 512}, channels = check.choice{1, 3},
  val = check.whole{from = 1, to = FAR}, test = check.whole{from = 1, to = FAR},
})

return function(given)
  local o <const> = check.options(OPTIONS, given)
  local eighth <const> = math.max(1, o.n // 8)
  return {
    train = render(o.seed, 0, o.n, o),
    val = render(o.seed, FAR, o.val or eighth, o),
    test = render(o.seed, 2 * FAR, o.test or eighth, o),
  }
end
