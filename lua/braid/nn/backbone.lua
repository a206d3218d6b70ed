--- Backbone: named blocks that run in order, and the recipe to make more of them.
--
-- A block is made by a function of its number of input channels. So a network of columns can make
-- a new copy for each task, and can widen a block's input where a mixer concatenates maps. The
-- function returns the module, and also the number of output channels if the module cannot tell. A
-- ready module can be a block too: copies of it start with its values.
-- @usage nn.backbone("resnet18", {width = 0.25, channels = 1})
-- @usage
-- nn.backbone({
--   {"conv1", function(c) return nn.Sequential{nn.Conv2d(c, 16, {kernel = 5}), nn.ReLU()} end},
--   {"conv2", function(c) return nn.Conv2d(c, 32, {kernel = 3}) end},
-- }, {channels = 1})
-- @usage nn.backbone(nn.Sequential{nn.Linear(3, 4), nn.ReLU()}, {names = {"conv1", "conv2"}})
-- @usage nn.backbone({name = "tcdcn", norm = true}, {width = 2})  -- options may be in either table
--
-- Options:
--   channels     of the input (3)
--   at           the places at which a network of braid.import is cut into blocks, such as
--                {"conv1", "layer1", "layer2"}; layers after the last place are left out
--   input        {height, width} of an image, or one number for both. Layers then get their sizes
--                at once. The named backbones make their fully connected layers for this size
--   pretrained   weights to begin with (pretrained.lua); backbone.pretrained reports on them

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local aliases <const> = require "braid.nn.aliases"
local folder <const> = require "braid.folder"
local grad <const> = require "braid.grad"
local guard <const> = require "braid.guard"
local backbone_options <const> = require "braid.nn.backbone_options"
local Module <const> = require "braid.nn.module"
local notice <const> = require "braid.notice"
local places <const> = require "braid.nn.places"
local pretrained <const> = require "braid.nn.pretrained"
local state <const> = require "braid.nn.state"
local weights <const> = require "braid.nn.weights"

local Backbone <const> = class("Backbone", Module)
Backbone.channelwise = true

local known <const> = folder "braid.nn.backbones"
local OF_ANOTHER <const> = check.declare("backbone: of another backbone", {
  pretrained = weights.kind,
})

-- Everything that the columns of one backbone have in common. It holds none of their tensors.
local Plan <const> = class("Plan")

local function bad(format, ...) check.fail("backbone: " .. format, ...) end

-- A backbone's own fields; no block can have these names.
local OWN <const> = {plan = true, after = true, order = true, first = true, pretrained = true}

local function check_name(name, seen)
  if type(name) ~= "string" or not name:find("^[%w_]+$") then
    bad("the name of a block must be a word, not '%s'", tostring(name))
  end
  if seen[name] then bad("there are two blocks '%s'", name) end
  if Backbone[name] ~= nil or OWN[name] then bad("a block cannot be called '%s'", name) end
  seen[name] = true
end

-- Turns a block as the user gave it into a function of the input channels.
local function maker(name, value)
  if type(value) == "function" then return value end
  if not Module.is(value) then
    bad("block '%s' is a %s, not a function of its input channels or a module", name, type(value))
  end
  return function() return value:clone() end
end

local function blocks_of(given, names)
  local list <const> = {}
  if Module.is(given) then
    if not given.last then
      bad("%s has no list of layers: give {{name, module or function}, ...}",
        getmetatable(given).__name)
    end
    for i = given.first, given.last do
      local name <const> = names and names[i - given.first + 1] or "block" .. i
      list[#list + 1] = {name, given[i]}
    end
  else
    for i, block in ipairs(given) do
      if type(block) ~= "table" or #block < 2 then
        bad("entry %d must be {name, function of the input channels}", i)
      end
      list[i] = block
    end
  end
  if #list == 0 then bad("there are no blocks") end
  return list
end

function Plan:init(given, o)
  self.channels, self.input, self.kind = o.channels, o.input, o.kind
  self.names, self.make, self.place = {}, {}, {}
  local seen <const> = {}
  for i, block in ipairs(blocks_of(given, o.names)) do
    local name <const> = block[1]
    check_name(name, seen)
    self.names[i], self.place[name] = name, i
    self.make[name] = maker(name, block[2])
  end
end

--- The position of a block. An unknown name raises an error that lists the blocks.
function Plan:find(name, what)
  local place <const> = self.place[name]
  if place then return place end
  check.fail("%s: there is no block '%s'; there is %s", what, tostring(name),
    table.concat(self.names, ", "))
end

--- A new list of the given block or blocks; by default, of all after number `split`. Blocks up to
-- `split` raise an error, because no column has them.
function Plan:list(given, split, what)
  if given == nil then return table.move(self.names, split + 1, #self.names, 1, {}) end
  local list <const> = {}
  for i, name in ipairs(type(given) == "table" and given or {given}) do
    if self:find(name, what) <= split then
      check.fail("%s: block '%s' is shared by all tasks; name a block after '%s'", what, name,
        self.names[split])
    end
    list[i] = name
  end
  if #list == 0 then
    check.fail("%s: wants a block or a list of them; there is %s", what,
      table.concat(self.names, ", "))
  end
  return list
end

-- Gives an input to layers that need one to know their sizes.
local function settle(self, channels, h, w)
  local waiting = false
  self:apply(function(m) waiting = waiting or m.unsized end)
  if not waiting then return end
  local _ <close> = grad.scope()
  local _ <close> = grad.no_grad()
  local _ <close> = self:evaluating()
  self(core.new({1, channels, h, w}, "float32", 0))
end

-- Makes the blocks number `from` to `to`. inputs(name, channels) may change a block's number of
-- input channels, which is otherwise the number of output channels of the block before.
local function fill(self, plan, channels, from, to, inputs)
  self.plan, self.after, self.order = plan, {}, {}
  local c = channels
  for i = from, to do
    local name <const> = plan.names[i]
    c = inputs and inputs(name, c) or c
    local block <const>, outputs <const> = guard.call("backbone", plan.make[name], c)
    if not Module.is(block) then
      bad("block '%s' is a %s, not a module", name, type(block))
    end
    c = outputs or block:channels_after(c)
    self[name], self.after[name], self.order[#self.order + 1] = block, c, name
  end
  self.first = self.order[1]
  places.note(self, plan)
end

local function image_size(input)
  if math.type(input) == "integer" then return {input, input} end
  return input
end

-- The blocks and the options of a named backbone.
local function named(name, given)
  local make <const> = folder.find(known, name)
  if not make then
    bad("there is no backbone '%s'; there is %s", name, table.concat(folder.names(known), ", "))
  end
  local o <const> = check.options(make.options, given)
  o.input, o.kind, o.layout = image_size(o.input), name, make.layout
  return make.blocks(o), o
end

-- The name and the options in {name = "tcdcn", norm = true}, together with the options in `given`.
local function name_and_options(what, given)
  local o <const> = check.copy("backbone", given)
  for key, value in pairs(what) do
    if key ~= "name" then o[key] = value end
  end
  return what.name, o
end

-- Loads the weights that a backbone begins with.
local function begin(self, source)
  if source == nil then return end
  self.pretrained = pretrained.load("backbone", self, weights.read("backbone", source))
  notice.say(tostring(self.pretrained))
end

-- Copies another backbone's blocks, with their values.
local function copy(self, other)
  fill(self, other.plan, other.plan.channels, 1, #other.plan.names)
  state.give_sizes(self, other:state_dict())
  self:load_state_dict(other:state_dict())
  if not places.is_changed(other) then places.settle(self) end
  self.pretrained = other.pretrained
end

-- The blocks of a network that can be cut (of braid.import), or the given list or module as it is.
local function cut(what, o)
  local f <const> = Module.is(what) and class.trusted(what, "cut")
  if f then
    local list
    list, o.channels = f(what, o)
    return list
  end
  if o.at then bad("at = {...} cuts networks of braid.import only") end
  return what
end

function Backbone:init(what, given)
  local list, o
  if getmetatable(what) == Backbone then
    o = check.options(OF_ANOTHER, given)
    copy(self, what)
    return begin(self, o.pretrained)
  end
  if type(what) == "table" and type(what.name) == "string" and not Module.is(what) then
    what, given = name_and_options(what, given)
  end
  if type(what) == "string" then
    list, o = named(what, given)
  else
    o = check.options(backbone_options.plain, given)
    o.input = image_size(o.input)
    list = cut(what, o)
    if type(what) ~= "table" then
      bad("the first argument must be a name or a list of blocks, not %s", type(what))
    end
  end
  local plan <const> = Plan(list, o)
  fill(self, plan, plan.channels, 1, #plan.names)
  if plan.input then settle(self, plan.channels, plan.input[1], plan.input[2]) end
  plan.aliases = aliases.of(self, o.layout)
  begin(self, o.pretrained)
end

local PLACE <const> = check.argument(check.optional(check.whole{from = 1}))
local BUILD <const> = check.declare("backbone: build", {
  from = PLACE, to = PLACE, channels = PLACE, inputs = check.argument(check.optional(check.call())),
})

--- Makes new blocks number `from` to `to` from the same recipe, the first for `channels` input
-- channels. inputs(name, channels) may change a block's number of input channels.
function Backbone:build(from, to, channels, inputs)
  check.options(BUILD, nil, {from = from, to = to, channels = channels, inputs = inputs})
  if (to or 1) > #self.plan.names then bad("there are %d blocks, not %d", #self.plan.names, to) end
  local other <const> = class.adopt(Backbone, {})
  fill(other, self.plan, channels or self.plan.channels, from or 1, to or #self.plan.names,
    inputs)
  return other
end

--- The name of the layout in nn/backbones, or nil.
function Backbone:kind() return self.plan.kind end

--- The names of its blocks, in order.
-- @treturn string[]
function Backbone:blocks() return table.move(self.order, 1, #self.order, 1, {}) end

--- The number of output channels of a block (default: the last block).
-- @treturn integer
function Backbone:channels(name)
  if name == nil then return self.after[self.order[#self.order]] end
  self.plan:find(name, "backbone")
  return self.after[name]
end

function Backbone:channels_after() return self:channels() end

--- Runs x (n,c,h,w) through all blocks.
-- @treturn Tensor
function Backbone:forward(x)
  for _, name in ipairs(self.order) do x = self[name](x) end
  return x
end

return Backbone
