--- CIFAR-100 (Krizhevsky 2009), the binary version as published.
--
-- data.cifar100(dir) -> {train = 50,000, test = 10,000}, labels `coarse` (20 classes) and
-- `fine` (100). The directory holds train.bin, test.bin and perhaps coarse_label_names.txt
-- and fine_label_names.txt, or a directory cifar-100-binary with them.
-- https://www.cs.toronto.edu/~kriz/cifar.html

local cifar <const> = require "braid.data.cifar"

local TASKS <const> = {
  {name = "coarse", classes = 20, names = "coarse_label_names.txt"},
  {name = "fine", classes = 100, names = "fine_label_names.txt"},
}

return function(dir)
  if type(dir) ~= "string" then error("data.cifar100: wants the directory of the data", 2) end
  local root <const>, missing <const> = cifar.root(dir, "cifar-100-binary", "train.bin")
  if not root then return nil, missing end
  local train <const>, bad_train <const> = cifar.read(root, {"train.bin"}, TASKS)
  if not train then return nil, bad_train end
  local test <const>, bad_test <const> = cifar.read(root, {"test.bin"}, TASKS)
  if not test then return nil, bad_test end
  return {train = train, test = test}
end
