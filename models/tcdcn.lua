--- TCDCN with hard sharing (Zhang, Luo, Loy and Tang 2014), as Abrahamsson, Martin and
-- Zuber use it. 40x40 images; convolutions 5x5x16, 3x3x48, 3x3x64, each with 2x2
-- pooling, and 2x2x64; a shared layer of 100; one linear head per task. Activation
-- |tanh| after each convolution and the shared layer. Options: activation "AbsTanh" (as
-- published; default) or another of nn's; norm = true puts batch normalisation before
-- it; channels of the input (1). Parameters for MTFL's five tasks (21 outputs): 79,357
-- (79,741 with norm).
return function(tasks, o)
  local function activation() return nn[o.activation or "AbsTanh"]() end

  local function stage(inputs, outputs, kernel, pool)
    return nn.Sequential{
      nn.Conv2d(inputs, outputs, {kernel = kernel}),
      o.norm and nn.BatchNorm2d(outputs) or nn.Identity(),
      activation(),
      pool and nn.MaxPool2d(2) or nn.Identity(),
    }
  end

  local trunk = nn.Sequential{
    stage(o.channels or 1, 16, 5, true), -- 40 -> 36 -> 18
    stage(16, 48, 3, true),              -- 18 -> 16 -> 8
    stage(48, 64, 3, true),              --  8 ->  6 -> 3
    stage(64, 64, 2, false),             --  3 ->  2
    nn.Flatten(),
    nn.Linear(256, 100),
    activation(),
  }
  return mtl.shared(tasks, trunk, function(task) return nn.Linear(100, task.size) end)
end
