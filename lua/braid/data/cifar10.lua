--- CIFAR-10 (Krizhevsky 2009), the binary version as published.
--
-- data.cifar10(dir) -> {train = 50,000, test = 10,000}, label `class` (1 airplane ... 10
-- truck). The directory holds data_batch_1.bin to data_batch_5.bin, test_batch.bin and
-- perhaps batches.meta.txt, or a directory cifar-10-batches-bin with them.
-- https://www.cs.toronto.edu/~kriz/cifar.html

local cifar <const> = require "braid.data.cifar"

local TASKS <const> = { {name = "class", classes = 10, names = "batches.meta.txt"} }

return function(dir)
  if type(dir) ~= "string" then error("data.cifar10: wants the directory of the data", 2) end
  local root <const>, missing <const> =
    cifar.root(dir, "cifar-10-batches-bin", "data_batch_1.bin")
  if not root then return nil, missing end
  local names <const> = {}
  for i = 1, 5 do names[i] = ("data_batch_%d.bin"):format(i) end
  local train <const>, bad_train <const> = cifar.read(root, names, TASKS)
  if not train then return nil, bad_train end
  local test <const>, bad_test <const> = cifar.read(root, {"test_batch.bin"}, TASKS)
  if not test then return nil, bad_test end
  return {train = train, test = test}
end
