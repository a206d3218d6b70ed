--- Soft sharing: a column for each task. Only a loss on the columns' weights connects them. The
-- option form chooses the loss. "l2": squared distances of all pairs (Duong, Cohn, Bird and Cook
-- 2015); "trace": the trace norm of each layer's T weights as the rows of a matrix (Yang and
-- Hospedales 2016); "exponential": exp(distance squared) - 1, scaled (after Rozantsev, Salzmann and
-- Fua 2016; see mtl.mutual).
-- net:penalty() is lambda times this loss. Add it to the loss of the tasks.
-- Decision: the loss is on weights only, not on biases or batch norm, and not on the heads.
-- Options: form ("l2"), lambda (1e-3), blocks (all; the blocks whose weights count), backbone
-- ("tcdcn") with its width, channels and input; head; groups.
-- Parameters for MTFL's five tasks (21 outputs): 388,301.
return function(tasks, o)
  local net = mtl.columns(tasks, nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input}), {groups = o.groups})
  net:heads(o.head)
  if #net.names == 1 then return net end
  return net:mutual{form = o.form, weight = o.lambda, blocks = o.blocks}
end
