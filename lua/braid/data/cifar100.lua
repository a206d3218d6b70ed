--- CIFAR-100 (Krizhevsky 2009), the binary version as published.
--
-- data.cifar100(dir) -> {train = 50,000, test = 10,000} with labels `coarse` (20 classes) and
-- `fine` (100). The directory, or one in it such as cifar-100-binary, has train.bin, test.bin and
-- optionally coarse_label_names.txt and fine_label_names.txt.
-- https://www.cs.toronto.edu/~kriz/cifar.html
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.cifar100("cifar100").train[1]

return require("braid.data.cifar").reader("data.cifar100", {
  train = {"train.bin"}, test = {"test.bin"},
  tasks = {
    {name = "coarse", classes = 20, names = "coarse_label_names.txt"},
    {name = "fine", classes = 100, names = "fine_label_names.txt"},
  },
  python = {"meta", "cifar-100-python"}, matlab = {"train.mat"},
  archives = {"cifar-100-binary.tar.gz", "cifar-100-python.tar.gz", "cifar-100-matlab.tar.gz"},
  archive = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
})
