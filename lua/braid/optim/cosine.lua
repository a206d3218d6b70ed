--- The cosine schedule (Loshchilov and Hutter 2017): the factor of the learning rate
-- after `done` of `total` steps, from 1 down to `last` (0 unless given).
-- @usage opt.factor = optim.cosine(epoch - 1, epochs)

return function(done, total, last)
  last = last or 0
  return last + (1 - last) * (1 + math.cos(math.pi * math.min(done / total, 1))) / 2
end
