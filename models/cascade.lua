--- Multi-task network cascade (Dai, He and Sun 2016): tasks share their features, and each stage
-- also takes the outputs of the stages before it. The loss is the sum of all stages' losses. The
-- gradients of all losses flow back through the whole cascade (equation 5, L1(B) + L2(M | B) +
-- L3(C | B, M)).
-- Decisions: the stages are the tasks of a face, not boxes, masks and instances. Stage k is a
-- layer of `hidden` ReLUs over the shared features and all earlier outputs, and a linear layer.
-- Options: order (sorted by name; the tasks in the order of their stages), hidden (64), head (of
-- each stage, instead of these two layers), detach (false; true stops gradients between stages),
-- backbone ("tcdcn"), and its width, channels and input.
-- Parameters for MTFL's five tasks (21 outputs): 113,417.
local Cascade = class("Cascade", nn.Module)

function Cascade:init(tasks, o)
  self.trunk = nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input})
  if o.order ~= nil and type(o.order) ~= "table" then
    error("cascade: order must be a list of the tasks' names", 0)
  end
  if o.detach ~= nil and type(o.detach) ~= "boolean" then
    error("cascade: detach must be true or false", 0)
  end
  self.order, self.detach, self.stage = o.order or tasks.names, o.detach or false, {}
  local c, hidden, seen = self.trunk:channels(), o.hidden or 64, {}
  if o.head and o.hidden then
    error("cascade: hidden is of its own heads; give hidden or head, not both", 0)
  end
  local head = mtl.heads(o.head or function(task, inputs)
    return nn.Sequential{nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, task.size)}
  end)
  for i, name in ipairs(self.order) do
    if not tasks[name] or seen[name] then
      error(("cascade: order names '%s', which is not a task or there twice"):format(
        tostring(name)), 0)
    end
    seen[name] = true
    self.stage[i] = head(tasks[name], c, name)
    c = c + tasks[name].size
  end
  if #self.order ~= #tasks.names then error("cascade: order must name every task once", 0) end
end

function Cascade:forward(x)
  local seen, outputs = self.trunk(x), {}
  if seen:dim() == 4 then seen = seen:mean({3, 4}) end
  for i, name in ipairs(self.order) do
    local y = self.stage[i](seen)
    outputs[name] = y
    seen = braid.cat({seen, self.detach and y:detach() or y}, 2)
  end
  return outputs
end

return function(tasks, o)
  if not tasks then error("cascade: wants tasks, for a stage each", 0) end
  return Cascade(tasks, o)
end
