--- CIFAR-10 (Krizhevsky 2009), the binary version as published.
--
-- data.cifar10(dir) -> {train = 50,000, test = 10,000} with the label `class` (1 airplane ... 10
-- truck). The directory, or one in it such as cifar-10-batches-bin, has data_batch_1.bin to
-- data_batch_5.bin, test_batch.bin and optionally batches.meta.txt.
-- https://www.cs.toronto.edu/~kriz/cifar.html
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.cifar10("cifar10").train[1]

return require("braid.data.cifar").reader("data.cifar10", {
  train = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
    "data_batch_5.bin"},
  test = {"test_batch.bin"},
  tasks = { {name = "class", classes = 10, names = "batches.meta.txt"} },
  python = {"data_batch_1", "cifar-10-batches-py"}, matlab = {"data_batch_1.mat"},
  archives = {"cifar-10-binary.tar.gz", "cifar-10-python.tar.gz", "cifar-10-matlab.tar.gz"},
  archive = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
})
