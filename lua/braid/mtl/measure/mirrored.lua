--- A network's prediction averaged with its prediction for the mirror image.
--
-- mtl.mirrored(net, tasks) -> f(image): the mean of net(image) and net(mirror image). Each task
-- first turns the output for the mirror image back: points change sides and swap as their flip
-- says, classes swap as their flip says, and angles change their sign. Outputs are averaged before
-- any softmax. f runs the network in evaluation mode, without gradients, and takes twice the time.
-- By default tasks are the network's own tasks. A task that cannot turn its output back is an
-- error.
-- @usage print(tasks:evaluate(mtl.mirrored(net), data.loader(faces.test, {batch = 256})))

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local grad <const> = require "braid.grad"
local Module <const> = require "braid.nn.module"
local Tasks <const> = require "braid.mtl.tasks"

local WIDTH <const> = 4 -- the dimension of an image (n,c,h,w) that is mirrored

local ARGUMENTS <const> = check.declare("mtl.mirrored", {
  net = check.argument(check.kind("a network", Module.is)),
  tasks = check.argument(check.kind("tasks, as mtl.tasks gives them", function(v)
    return class.is_a(v, Tasks)
  end)),
})

return function(net, tasks)
  tasks = tasks or type(net) == "table" and rawget(net, "tasks")
  check.options(ARGUMENTS, nil, {net = net, tasks = tasks})
  for name, task in tasks:each() do
    if not task.mirrored then
      check.fail("mtl.mirrored: the task %s has no method mirrored(output)", name)
    end
  end
  return function(image)
    local _ <close> = Module.evaluating(net)
    local _ <close> = grad.no_grad()
    local outputs <const>, seen <const> = net(image), net(image:flip(WIDTH))
    local means <const> = {}
    for name, task in tasks:each() do
      means[name] = (outputs[name] + task:mirrored(seen[name], name)) * 0.5
    end
    return means
  end
end
